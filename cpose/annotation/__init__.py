"""Data of your own: check it, repair it."""
