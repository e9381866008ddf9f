"""Networks, one registered module per file."""
