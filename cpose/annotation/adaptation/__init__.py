"""Adapt a model to annotated photographs."""
