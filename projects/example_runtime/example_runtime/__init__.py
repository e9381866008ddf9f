"""A runtime outside of the package."""
