"""Loops of training that resume bit for bit, and loops of testing."""
