"""Dimensions that agree with the corners in the image."""

import numpy as np

from cpose.errors import ConfigError
from cpose.geometry.cuboid_fit import fit_cuboid_dims
from cpose.geometry.pnp import CORNER_OF_POINT, CuboidPose, find_known
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.registry import CODECS


@CODECS.register_module()
class ReprojectedDims:
    """Weigh the dimension branch against the proportions that the corners show.

    Neither TAO nor the paper does this: their pose takes the predicted dimensions as they are. For
    categories of many shapes, such as boxes, corners are predicted much better than dimensions.

    Args:
        point_sigma: Standard deviation of a corner, in RMS distances of the points from their mean.
        dims_sigma: Standard deviation of the logarithm of predicted width and depth.

    Raises:
        ConfigError: If one is not positive.
    """

    def __init__(self, point_sigma: float = 0.05, dims_sigma: float = 0.25) -> None:
        for name, value in (('point_sigma', point_sigma), ('dims_sigma', dims_sigma)):
            if not value > 0:
                raise ConfigError(
                    f'{name}={value} (config key model.head.recovery.dims_fit.{name}) must be '
                    'above 0.'
                )
        self.point_sigma = point_sigma
        self.dims_sigma = dims_sigma

    def __call__(
        self,
        points_image: np.ndarray,
        dims: np.ndarray,
        pose: CuboidPose,
        intrinsics: np.ndarray,
    ) -> np.ndarray:
        """Return the extents, (3,) in the unit of ``dims``; see `fit_cuboid_dims`.

        Args:
            points_image: (16, 2), pixels, two estimates per corner, NaN where missing.
            dims: (3,) predicted extents.
            pose: The pose with these.
            intrinsics: (3, 3) pixels.
        """
        is_known = find_known(points_image)
        known = points_image[is_known]
        spread = np.sqrt(np.square(known - known.mean(axis=0)).sum(axis=1).mean())
        return fit_cuboid_dims(
            CORNER_OF_POINT[is_known],
            known,
            dims,
            (matrix_from_quaternion(pose.quaternion_xyzw), pose.location_cv),
            intrinsics,
            self.point_sigma * float(spread),
            self.dims_sigma,
        )
