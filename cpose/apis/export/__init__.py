"""From checkpoints to deployed files."""
