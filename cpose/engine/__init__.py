"""Training and testing on MMEngine."""
