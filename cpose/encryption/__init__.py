"""Model files encrypted at rest: the key, and the form of the files."""
