"""What one frame says about posed cuboids, and how certain it is.

Letters: N cuboids.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cpose.geometry.rotation import (
    matrix_from_quaternion,
    multiply_quaternions,
    quaternion_from_matrix,
)
from cpose.structures.cuboid import CORNER_SIGNS, UNIT_KEYPOINTS, cuboid_keypoints
from cpose.structures.object_pose import ObjectPose
from cpose.tracking.pose_filter import Measurement

KEYPOINTS_STD, DIMS_STD = 'keypoints_std', 'dims_std'
"""What uncertainty branches are called among `ObjectPose.extras`."""
LEAST_STD = 1e-3
"""Smallest standard deviation, as a share of extents or of the spread of the corners: a network
that is too sure of itself must not make the equations singular."""


def measure(
    poses: Sequence[ObjectPose], intrinsics: np.ndarray, point_sigma: float, dims_sigma: float
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
    """
    dims = np.array([pose.dims for pose in poses]).reshape(-1, 3)
    location = np.array([pose.location_cv for pose in poses]).reshape(-1, 3)
    quaternion = np.array([pose.quaternion_xyzw for pose in poses]).reshape(-1, 4)
    slopes = _slopes(matrix_from_quaternion(quaternion), location, dims, intrinsics)
    weights = 1 / _corner_std(poses, point_sigma) ** 2
    information = np.swapaxes(slopes, 1, 2) @ (weights[..., None] * slopes)
    axes = np.arange(6, 9)
    information[:, axes, axes] += 1 / _dims_std(poses, dims_sigma) ** 2
    return Measurement(quaternion, location, dims, np.linalg.inv(information))


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


class Labellings(NamedTuple):
    """How a symmetric cuboid may be described.

    Attributes:
        rotations: (S, 3, 3), object frame from the object frame of each labelling.
        quaternions: (S, 4), the same.
        axes: (S, 3), which extent stands in each place.
    """

    rotations: np.ndarray
    quaternions: np.ndarray
    axes: np.ndarray


def list_labellings(symmetry: Any) -> Labellings:
    """Return the labellings of a symmetry, see `cpose.codecs.symmetries`."""
    keypoints, axes = symmetry.candidates(UNIT_KEYPOINTS, np.arange(3))
    sides = np.einsum('sci,cj->sij', keypoints[:, 1:], CORNER_SIGNS)
    rotations = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    return Labellings(rotations, quaternion_from_matrix(rotations), axes)


def choose_labelling(
    measured: Measurement,
    labellings: Sequence[Labellings],
    expected: np.ndarray,
    log_dims: np.ndarray,
) -> Measurement:
    """Return a measurement in the equivalent labellings that are nearest to what is expected.

    Args:
        measured: Of N cuboids.
        labellings: N of them.
        expected: (N, 4) quaternions.
        log_dims: (N, 3) expected logarithms of the extents.
    """
    turned = np.swapaxes(matrix_from_quaternion(measured.quaternion), 1, 2)
    turned = turned @ matrix_from_quaternion(expected)
    sizes = np.log(measured.dims)
    turns, axes = np.empty((len(sizes), 4)), np.empty((len(sizes), 3), np.int64)
    for each in {id(item): item for item in labellings}.values():
        rows = [row for row, item in enumerate(labellings) if item is each]
        # The trace of a relative rotation is 1 + 2 cos of its angle.
        misfit = np.abs(sizes[rows][:, each.axes] - log_dims[rows, None]).sum(axis=2)
        best = (misfit - np.einsum('sij,nij->ns', each.rotations, turned[rows])).argmin(axis=1)
        turns[rows], axes[rows] = each.quaternions[best], each.axes[best]
    places = np.concatenate([np.tile(np.arange(6), (len(axes), 1)), 6 + axes], axis=1)
    column = np.arange(len(axes))[:, None]
    return Measurement(
        multiply_quaternions(measured.quaternion, turns),
        measured.location,
        measured.dims[column, axes],
        measured.covariance[column[..., None], places[:, :, None], places[:, None, :]],
    )


def pose_keypoints(quaternion: np.ndarray, location: np.ndarray, dims: np.ndarray) -> np.ndarray:
    """Return centre and corners (N, 9, 3) of cuboids in the OpenCV camera frame."""
    rotation = matrix_from_quaternion(quaternion)
    return cuboid_keypoints(dims) @ np.swapaxes(rotation, -1, -2) + location[:, None, :]
