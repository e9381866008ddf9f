"""From a trained network to files and engines that run it elsewhere."""
