"""What corrects predicted dimensions once a pose is known."""
