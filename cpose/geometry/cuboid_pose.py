"""Posed cuboids, many at once: where their keypoints are, and how certain a pose is.

Letters: N cuboids.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.cuboid import CORNER_SIGNS, cuboid_keypoints
from cpose.structures.object_pose import ObjectPose

KEYPOINTS_STD, DIMS_STD = 'keypoints_std', 'dims_std'
"""What uncertainty branches are called among `ObjectPose.extras`."""
LEAST_STD = 1e-3
"""Smallest standard deviation, as a share of extents or of the spread of the corners: a network
that is too sure of itself must not make the equations singular."""

CROSSES = np.array(
    [[0, 0, 0, 0, 0, 1, 0, -1, 0], [0, 0, -1, 0, 0, 0, 1, 0, 0], [0, 1, 0, -1, 0, 0, 0, 0, 0]],
    float,
)
"""(3, 9), from a vector to the matrix, row by row, of the cross product of another one with it."""
HALF_SIGNS, IDENTITY = CORNER_SIGNS / 2, np.eye(3)
LEAST_SCORE = 0.05
"""Score from which on lower ones make a pose no less certain."""
UNIT_HEIGHT = 1.1e-5
"""Difference from 1 up to which a height is that of relative extents."""


NUM_MEASURED = 9
"""Of a `Measurement`: rotation vector, location and logarithm of the extents."""


class Measurement(NamedTuple):
    """Poses and extents of cuboids in one frame, and how certain they are.

    Attributes:
        quaternion: (N, 4) x y z w, OpenCV camera from object.
        location: (N, 3) centres, OpenCV camera frame.
        dims: (N, 3) extents along object x, y, z.
        covariance: (N, 9, 9) of rotation vector (camera frame, applied from the left), location
            and logarithm of the extents.
    """

    quaternion: np.ndarray
    location: np.ndarray
    dims: np.ndarray
    covariance: np.ndarray


def pose_keypoints(quaternion: np.ndarray, location: np.ndarray, dims: np.ndarray) -> np.ndarray:
    """Return centre and corners (N, 9, 3) of cuboids in the OpenCV camera frame."""
    rotation = matrix_from_quaternion(quaternion)
    return cuboid_keypoints(dims) @ np.swapaxes(rotation, -1, -2) + location[:, None, :]


def measure(
    poses: Sequence[ObjectPose],
    intrinsics: np.ndarray,
    point_sigma: float,
    dims_sigma: float,
    misfit_factor: float = 0.0,
) -> Measurement:
    """Return poses and extents with their covariance, by propagation from corners and extents.

    The covariance is the inverse of the information of the eight projected corners and of the
    predicted extents, linearised at the pose: depth comes out less certain than what is across the
    viewing ray. Standard deviations are those that the network predicts, where it does.

    Args:
        poses: N objects with a pose.
        intrinsics: (3, 3), pixels.
        point_sigma: Standard deviation of corners without a predicted one, as a share of the RMS
            distance of the corners from their mean.
        dims_sigma: The same of extents, as a share of them.
        misfit_factor: Where none is predicted, the standard deviation of corners is at least this
            multiple of the ``relative_error`` of their pose over the root of its score.
    """
    dims = np.array([pose.dims for pose in poses]).reshape(-1, 3)
    location = np.array([pose.location_cv for pose in poses]).reshape(-1, 3)
    quaternion = np.array([pose.quaternion_xyzw for pose in poses]).reshape(-1, 4)
    slopes = _slopes(matrix_from_quaternion(quaternion), location, dims, intrinsics)
    weights = 1 / _corner_std(poses, point_sigma, misfit_factor) ** 2
    information = np.swapaxes(slopes, 1, 2) @ (weights[..., None] * slopes)
    axes = np.arange(6, 9)
    information[:, axes, axes] += 1 / _dims_std(poses, dims, dims_sigma) ** 2
    return Measurement(quaternion, location, dims, np.linalg.inv(information))


def _slopes(
    rotation: np.ndarray, location: np.ndarray, dims: np.ndarray, intrinsics: np.ndarray
) -> np.ndarray:
    """Return (N, 16, 9), change of the corners in pixels by rotation, location and log extents."""
    arms = HALF_SIGNS * dims[:, None, :]
    turned = arms @ np.swapaxes(rotation, 1, 2)
    points = turned + location[:, None, :]
    moves = np.empty((len(dims), 8, 3, 9))
    moves[..., :3] = (turned @ CROSSES).reshape(-1, 8, 3, 3)
    moves[..., 3:6] = IDENTITY
    np.multiply(rotation[:, None], arms[:, :, None], out=moves[..., 6:])
    depth = points[..., 2:, None]
    rays = points[..., :2, None] / depth
    lens = intrinsics[:2, :2] @ (moves[..., :2, :] - rays * moves[..., 2:, :])
    return (lens / depth).reshape(len(dims), 16, 9)


def _corner_std(
    poses: Sequence[ObjectPose], point_sigma: float, misfit_factor: float
) -> np.ndarray:
    """Return the standard deviations (N, 16) of the corners, pixels."""
    corners = np.array([pose.keypoints_image for pose in poses])[:, 1:]
    arms = corners - corners.sum(axis=1, keepdims=True) / 8
    spread = np.sqrt(np.einsum('nci,nci->n', arms, arms) / 8)[:, None]
    # Errors of corners grow as the misfit, and with falling score: see docs/video.md.
    misfits = np.array(
        [[(pose.relative_error or 0.0) / math.sqrt(max(pose.score, LEAST_SCORE))] for pose in poses]
    )
    std = np.repeat(np.maximum(point_sigma, misfit_factor * misfits) * spread, 16, axis=1)
    for row, pose in enumerate(poses):
        if KEYPOINTS_STD in pose.extras:
            std[row] = np.nan_to_num(pose.extras[KEYPOINTS_STD], nan=spread[row, 0]).ravel()
    return np.maximum(std, LEAST_STD * spread)


def _dims_std(poses: Sequence[ObjectPose], dims: np.ndarray, dims_sigma: float) -> np.ndarray:
    """Return the standard deviations (N, 3) of the logarithm of the extents.

    The height of 1 of relative extents is no measurement, and is kept.
    """
    std = np.full((len(poses), 3), dims_sigma)
    for row, pose in enumerate(poses):
        if DIMS_STD in pose.extras:
            std[row] = np.nan_to_num(pose.extras[DIMS_STD] / pose.dims, nan=1.0)
    std[np.abs(dims[:, 1] - 1) <= UNIT_HEIGHT, 1] = LEAST_STD
    return np.maximum(std, LEAST_STD)
