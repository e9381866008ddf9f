"""How the synthetic pictures are painted with OpenCV."""
