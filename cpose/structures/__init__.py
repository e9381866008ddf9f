"""Data types with invariants: cuboids, cameras, samples and results."""
