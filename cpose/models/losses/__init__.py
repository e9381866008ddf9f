"""Losses, each a module with a weight."""
