"""Corners keep their fraction, and the displacement of every corner is supervised."""

import numpy as np

from cpose.registry import CODECS


@CODECS.register_module()
class SubpixelCorners:
    """Place corners exactly; the reference drops the fraction and what is cut off.

    Deviation: TAO PyTorch 6.25.10 stores corners in an integer array, so that its offset branch
    is trained towards 0, and gives corners outside the image no target at all. Truncated objects
    then have no supervision where it is needed most.
    """

    def place(self, corners_heatmap: np.ndarray) -> np.ndarray:
        """Return the corner positions to encode, (..., 2) heatmap cells."""
        return corners_heatmap

    def has_displacement(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a displacement target: all, (...) bool."""
        return np.ones_like(is_inside)

    def has_heatmap(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a peak: those on the map and in the image, (...) bool."""
        return is_inside & is_in_image
