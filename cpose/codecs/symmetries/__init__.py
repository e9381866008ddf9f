"""Registered groups of equivalent object orientations."""
