"""Which point of an object is its centre on the map."""
