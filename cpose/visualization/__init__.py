"""Drawing of poses and curves."""
