"""Feature pyramids to one map at stride 4."""
