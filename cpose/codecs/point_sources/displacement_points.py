"""The corners of the displacement branch alone."""

import numpy as np

from cpose.registry import CODECS


@CODECS.register_module()
class DisplacementPoints:
    """Use the eight displaced corners only, as TAO PyTorch 6.25.10 does once deployed."""

    def choose(self, displaced: np.ndarray, peaks: np.ndarray) -> np.ndarray:
        """Return two estimates per corner.

        Args:
            displaced: (N, 8, 2), corners of the displacement branch.
            peaks: (N, 8, 2), corners of the heatmap branch, NaN where missing.

        Returns:
            (N, 8, 2, 2), both estimates of each corner, the second one NaN.
        """
        return np.stack([displaced, np.full_like(peaks, np.nan)], axis=2)
