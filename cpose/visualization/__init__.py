"""Drawing of poses."""
