"""INT8: calibration, ranges, and what must stay in float."""
