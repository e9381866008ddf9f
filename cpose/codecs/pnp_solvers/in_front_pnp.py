"""The default solver."""

import numpy as np

from cpose.geometry.pnp import PoseVectors, solve_in_front
from cpose.registry import CODECS


@CODECS.register_module()
class InFrontPnP:
    """Start with the best pose in front of the camera, see `solve_in_front`.

    Deviation: TAO starts with a direct linear transform. With corner errors of 5 % of the object's
    size that start ends behind the camera for one far object in ten, which then has no pose.
    """

    def __call__(
        self, corners_object: np.ndarray, points_image: np.ndarray, camera: np.ndarray
    ) -> PoseVectors:
        """Return rotation vector and location, both (3,), from P corners and their pixels."""
        return solve_in_front(corners_object, points_image, camera)
