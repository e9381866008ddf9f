"""Conventions of annotation files: contradictions of their fields and what explains them."""
