"""Path-traced pictures of boxes with exact annotations."""
