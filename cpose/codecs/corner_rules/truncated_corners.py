"""Corners as the reference has them: whole cells, and only where visible."""

import numpy as np

from cpose.registry import CODECS


@CODECS.register_module()
class TruncatedCorners:
    """Drop the fraction of corners towards zero and ignore corners outside image or map.

    Source: TAO PyTorch 6.25.10. For comparison with models trained there.
    """

    def place(self, corners_heatmap: np.ndarray) -> np.ndarray:
        """Return the corner positions to encode, (..., 2) whole heatmap cells."""
        return np.trunc(corners_heatmap)

    def has_displacement(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a displacement target: the visible ones, (...) bool."""
        return is_inside & is_in_image

    def has_heatmap(self, is_inside: np.ndarray, is_in_image: np.ndarray) -> np.ndarray:
        """Return which corners get a peak: the visible ones, (...) bool."""
        return is_inside & is_in_image
