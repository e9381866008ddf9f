"""Exchangeable steps from corners to a pose: which points, which solver, which dimensions."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from cpose.errors import ConfigError, check_number
from cpose.geometry.cuboid_fit import fit_cuboid_dims
from cpose.geometry.pnp import (
    CORNER_OF_POINT,
    CuboidPose,
    find_known,
    solve_cuboid_pnp,
    solve_in_front,
    solve_iteratively,
    solve_weighted,
    spread_of_points,
)
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.geometry.weighted_pnp import PoseVectors
from cpose.registry import CODECS


@CODECS.register_module()
class InFrontPnP:
    """Start with the best pose in front of the camera, see `solve_in_front`.

    Deviation: TAO starts with a direct linear transform. With corner errors of 5 % of the object's
    size that start ends behind the camera for one far object in ten, which then has no pose.
    """

    needs_std = False

    def __call__(
        self, corners_object: np.ndarray, points_image: np.ndarray, camera: np.ndarray
    ) -> PoseVectors:
        """Return rotation vector and location, both (3,), from P corners and their pixels."""
        return solve_in_front(corners_object, points_image, camera)


@CODECS.register_module()
class IterativePnP:
    """Start with a direct linear transform, as TAO PyTorch 6.25.10; see `solve_iteratively`."""

    needs_std = False

    def __call__(
        self, corners_object: np.ndarray, points_image: np.ndarray, camera: np.ndarray
    ) -> PoseVectors:
        """Return rotation vector and location, both (3,), from P corners and their pixels."""
        return solve_iteratively(corners_object, points_image, camera)


@CODECS.register_module()
class StdWeightedPnP:
    """Weigh points by the standard deviations that the head predicts, see `solve_weighted`.

    Both estimates of a corner have that of its displacement. It needs the loss `KLDUncertaintyLoss`
    for the branch ``hps``.
    """

    needs_std = True

    def __call__(
        self,
        corners_object: np.ndarray,
        points_image: np.ndarray,
        camera: np.ndarray,
        points_std: np.ndarray,
    ) -> PoseVectors:
        """Return rotation vector and location, both (3,), from P corners and their pixels."""
        return solve_weighted(corners_object, points_image, camera, points_std)


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


@CODECS.register_module()
class PredictedDims:
    """Leave the predicted dimensions as they are."""

    def __call__(
        self, points_image: np.ndarray, dims: np.ndarray, pose: CuboidPose, intrinsics: np.ndarray
    ) -> np.ndarray:
        """Return ``dims``."""
        return dims


@CODECS.register_module()
class ReprojectedDims:
    """Weigh the dimension branch against the proportions that the corners show.

    Neither TAO nor the paper does this: their pose takes the predicted dimensions as they are. For
    categories of many shapes, such as boxes, corners are predicted much better than dimensions.

    Args:
        point_sigma: Standard deviation of a corner, in RMS distances of the points from their mean.
        dims_sigma: Standard deviation of the logarithm of predicted width and depth.

    Raises:
        ConfigError: If one is no positive number.
    """

    def __init__(self, point_sigma: float = 0.05, dims_sigma: float = 0.25) -> None:
        for name, value in (('point_sigma', point_sigma), ('dims_sigma', dims_sigma)):
            check_number(name, value, above=0)
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
        return fit_cuboid_dims(
            CORNER_OF_POINT[is_known],
            known,
            dims,
            (matrix_from_quaternion(pose.quaternion_xyzw), pose.location_cv),
            intrinsics,
            self.point_sigma * spread_of_points(known),
            self.dims_sigma,
        )


@CODECS.register_module()
class KnownDims:
    """Take those of some known proportions that explain the corners best: objects are of few sizes.

    Args:
        proportions: Extents along x, y, z of each size that occurs, in any unit; those of a box
            without a front twice, with x and z exchanged.

    Raises:
        ConfigError: If there is none, or one is no list of three numbers above 0.
    """

    def __init__(self, proportions: Sequence[Sequence[float]]) -> None:
        is_list = isinstance(proportions, list | tuple) and len(proportions) > 0
        if not (is_list and all(isinstance(p, list | tuple) and len(p) == 3 for p in proportions)):
            raise ConfigError(
                'must be lists of three numbers above 0, one list or more',
                argument='proportions',
                value=proportions,
            )
        for side in chain.from_iterable(proportions):
            check_number('proportions', side, above=0)
        extents = np.array(proportions, dtype=np.float64)
        self.proportions = extents / extents[:, 1:2]

    def __call__(
        self, points_image: np.ndarray, dims: np.ndarray, pose: CuboidPose, intrinsics: np.ndarray
    ) -> np.ndarray:
        """Return the known extents (3,) at the predicted height, ``dims`` if none has a pose.

        Args:
            points_image: (16, 2), pixels, two estimates per corner, NaN where missing.
            dims: (3,) predicted extents, of which the height is kept.
            pose: The pose with these.
            intrinsics: (3, 3) pixels.
        """
        choices = self.proportions * dims[1]
        # What is too far from the points is for the postprocessor to say.
        given = intrinsics, solve_in_front, None, None, np.inf
        results = [solve_cuboid_pnp(points_image, choice, *given) for choice in choices]
        found = [result.pose for result in results]
        errors = [np.inf if item is None else item.relative_error for item in found]
        best = int(np.argmin(errors))
        return dims if found[best] is None else np.asarray(choices[best])
