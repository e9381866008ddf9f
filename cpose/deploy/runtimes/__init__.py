"""Programs that run a model file: same input, same outputs."""
