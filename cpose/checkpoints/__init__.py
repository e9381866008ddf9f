"""Checkpoints in one place: read safely, recognise, load, write; the config inside them."""
