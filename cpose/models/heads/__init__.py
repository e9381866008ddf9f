"""Output branches."""
