"""Pure functions on arrays: affines, rotations, projection, PnP, 3D IoU."""
