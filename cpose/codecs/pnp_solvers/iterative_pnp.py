"""The reference's solver."""

import numpy as np

from cpose.geometry.pnp import PoseVectors, solve_iteratively
from cpose.registry import CODECS


@CODECS.register_module()
class IterativePnP:
    """Start with a direct linear transform, as TAO PyTorch 6.25.10; see `solve_iteratively`."""

    def __call__(
        self, corners_object: np.ndarray, points_image: np.ndarray, camera: np.ndarray
    ) -> PoseVectors:
        """Return rotation vector and location, both (3,), from P corners and their pixels."""
        return solve_iteratively(corners_object, points_image, camera)
