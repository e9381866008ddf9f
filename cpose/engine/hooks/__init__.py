"""One hook per file."""
