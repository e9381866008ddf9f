"""Look at data and results: pages of pictures, read only."""
