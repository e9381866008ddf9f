"""What the dimension branch predicts: relative, metric or residual extents."""
