"""From annotated cuboids to dense maps and back."""
