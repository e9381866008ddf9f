"""Metric extents as annotated."""

import numpy as np
from torch import Tensor

from cpose.registry import CODECS


@CODECS.register_module()
class AbsoluteDims:
    """Predict metric extents (option ``use_absolute_scale`` of the reference)."""

    def encode(self, dims_metric: np.ndarray) -> np.ndarray:
        """Return the target, (..., 3) metres, of metric extents (..., 3)."""
        return np.abs(dims_metric)

    def decode(self, dims: Tensor) -> Tensor:
        """Return the extents, (..., 3) metres, of a prediction (..., 3)."""
        return dims
