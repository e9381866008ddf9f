"""Metrics of objects that are followed over the frames of a video."""
