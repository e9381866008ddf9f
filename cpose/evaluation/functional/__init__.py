"""Pose errors and average precision as pure functions."""
