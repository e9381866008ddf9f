"""Which points of a detection the pose is made from."""
