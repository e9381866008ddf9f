"""How a pose is found from the points of a detection."""
