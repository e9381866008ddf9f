"""What networks that follow objects add to the codec: the frame before, and motions."""
