"""Where the camera was: by a board in view, or by a reconstruction."""
