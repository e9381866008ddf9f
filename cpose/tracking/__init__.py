"""State over the frames of a video."""
