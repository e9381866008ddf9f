"""Families of weights that live outside of cpose."""
