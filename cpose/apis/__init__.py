"""Public entry points."""
