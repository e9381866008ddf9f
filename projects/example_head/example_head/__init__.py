"""One more quantity of each object: the direction in which the handle of a cup points."""
