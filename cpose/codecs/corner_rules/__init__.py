"""Exchangeable rules: where a corner falls on the map and which corners are supervised."""
