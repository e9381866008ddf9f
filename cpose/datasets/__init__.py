"""Where images and annotations enter."""
