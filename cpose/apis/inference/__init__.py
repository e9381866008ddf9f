"""From images to poses and result files."""
