"""The corners of both branches."""

import numpy as np

from cpose.registry import CODECS


@CODECS.register_module()
class DisplacementAndHeatmapPoints:
    """Use the displaced corners and the matching heatmap peaks.

    Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an
    RGB Image" (ICRA 2022), section III-C.
    """

    def choose(self, displaced: np.ndarray, peaks: np.ndarray) -> np.ndarray:
        """Return two estimates per corner.

        Args:
            displaced: (N, 8, 2), corners of the displacement branch.
            peaks: (N, 8, 2), corners of the heatmap branch, NaN where missing.

        Returns:
            (N, 8, 2, 2), both estimates of each corner.
        """
        return np.stack([displaced, peaks], axis=2)
