"""Posed cuboids, many at once: where their keypoints are, and how certain a pose is.

Letters: N cuboids.
"""

from collections.abc import Sequence

import numpy as np

from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.cuboid import CORNER_SIGNS, cuboid_keypoints
from cpose.structures.object_pose import ObjectPose

KEYPOINTS_STD, DIMS_STD = 'keypoints_std', 'dims_std'
"""What uncertainty branches are called among `ObjectPose.extras`."""
LEAST_STD = 1e-3
"""Smallest standard deviation, as a share of extents or of the spread of the corners: a network
that is too sure of itself must not make the equations singular."""


def pose_keypoints(quaternion: np.ndarray, location: np.ndarray, dims: np.ndarray) -> np.ndarray:
    """Return centre and corners (N, 9, 3) of cuboids in the OpenCV camera frame."""
    rotation = matrix_from_quaternion(quaternion)
    return cuboid_keypoints(dims) @ np.swapaxes(rotation, -1, -2) + location[:, None, :]


def pose_covariance(
    poses: Sequence[ObjectPose], intrinsics: np.ndarray, point_sigma: float, dims_sigma: float
) -> np.ndarray:
    """Return how certain poses and extents are, by propagation from corners and extents.

    It is the inverse of the information of the eight projected corners and of the predicted
    extents, linearised at the pose: depth comes out less certain than what is across the viewing
    ray. Standard deviations are those that the network predicts, where it does.

    Args:
        poses: N objects with a pose.
        intrinsics: (3, 3), pixels.
        point_sigma: Standard deviation of corners without a predicted one, as a share of the RMS
            distance of the corners from their mean.
        dims_sigma: The same of extents, as a share of them.

    Returns:
        (N, 9, 9) of rotation vector (camera frame, applied from the left), location and logarithm
        of the extents.
    """
    dims = np.array([pose.dims for pose in poses]).reshape(-1, 3)
    location = np.array([pose.location_cv for pose in poses]).reshape(-1, 3)
    quaternion = np.array([pose.quaternion_xyzw for pose in poses]).reshape(-1, 4)
    slopes = _slopes(matrix_from_quaternion(quaternion), location, dims, intrinsics)
    weights = 1 / _corner_std(poses, point_sigma) ** 2
    information = np.swapaxes(slopes, 1, 2) @ (weights[..., None] * slopes)
    axes = np.arange(6, 9)
    information[:, axes, axes] += 1 / _dims_std(poses, dims_sigma) ** 2
    return np.linalg.inv(information)


def _slopes(
    rotation: np.ndarray, location: np.ndarray, dims: np.ndarray, intrinsics: np.ndarray
) -> np.ndarray:
    """Return (N, 16, 9), change of the corners in pixels by rotation, location and log extents."""
    arms = CORNER_SIGNS / 2 * dims[:, None, :]
    turned = np.einsum('nij,ncj->nci', rotation, arms)
    points = turned + location[:, None, :]
    along = np.einsum('nij,ncj->ncij', rotation, arms)
    moves = np.concatenate(
        [-_cross_matrix(turned), np.broadcast_to(np.eye(3), (*turned.shape, 3)), along], axis=-1
    )
    depth = points[..., 2:]
    rays = points[..., :2] / depth
    lens = intrinsics[:2, :2] @ (moves[..., :2, :] - rays[..., None] * moves[..., 2:, :])
    return (lens / depth[..., None]).reshape(len(dims), 16, 9)


def _cross_matrix(vectors: np.ndarray) -> np.ndarray:
    """Return the matrices (..., 3, 3) of cross products with vectors (..., 3)."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _corner_std(poses: Sequence[ObjectPose], point_sigma: float) -> np.ndarray:
    """Return the standard deviations (N, 16) of the corners, pixels."""
    corners = np.array([pose.keypoints_image for pose in poses])[:, 1:]
    spread = np.sqrt(corners.var(axis=1).sum(axis=-1))[:, None]
    std = np.repeat(point_sigma * spread, 16, axis=1)
    for row, pose in enumerate(poses):
        if KEYPOINTS_STD in pose.extras:
            std[row] = np.nan_to_num(pose.extras[KEYPOINTS_STD], nan=spread[row, 0]).ravel()
    return np.maximum(std, LEAST_STD * spread)


def _dims_std(poses: Sequence[ObjectPose], dims_sigma: float) -> np.ndarray:
    """Return the standard deviations (N, 3) of the logarithm of the extents.

    The height of 1 of relative extents is no measurement, and is kept.
    """
    std = np.full((len(poses), 3), dims_sigma)
    for row, pose in enumerate(poses):
        if DIMS_STD in pose.extras:
            std[row] = np.nan_to_num(pose.extras[DIMS_STD] / pose.dims, nan=1.0)
    heights = np.array([pose.dims[1] for pose in poses])
    std[np.isclose(heights, 1.0, atol=1e-6), 1] = LEAST_STD
    return np.maximum(std, LEAST_STD)
