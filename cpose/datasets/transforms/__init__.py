"""One pipeline step per file."""
