"""Damaged inputs of every kind against every reader; see `tests.fuzz.__main__`."""
