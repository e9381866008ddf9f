"""Commands for pictures and their annotations."""
