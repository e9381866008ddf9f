"""Annotation files: found, read, checked, remembered and written."""
