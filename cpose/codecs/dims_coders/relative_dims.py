"""Extents divided by the height, so that y is always 1."""

import numpy as np
from torch import Tensor

from cpose.registry import CODECS


@CODECS.register_module()
class RelativeDims:
    """Predict extents divided by the y extent.

    Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from
    an RGB Image", section III-A.
    """

    def encode(self, dims_metric: np.ndarray) -> np.ndarray:
        """Return the target, (..., 3) relative, of metric extents (..., 3)."""
        extents = np.abs(dims_metric)
        height = extents[..., 1:2]
        return np.divide(extents, height, out=np.ones_like(extents), where=height > 0)

    def decode(self, dims: Tensor) -> Tensor:
        """Return the extents, (..., 3), of a prediction (..., 3)."""
        return dims
