"""What one frame says about posed cuboids, and how certain it is.

Letters: N cuboids.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cpose.geometry.cuboid_pose import pose_covariance
from cpose.geometry.rotation import (
    matrix_from_quaternion,
    multiply_quaternions,
    quaternion_from_matrix,
)
from cpose.structures.cuboid import CORNER_SIGNS, UNIT_KEYPOINTS
from cpose.structures.object_pose import ObjectPose
from cpose.tracking.pose_filter import Measurement


def measure(
    poses: Sequence[ObjectPose], intrinsics: np.ndarray, point_sigma: float, dims_sigma: float
) -> Measurement:
    """Return poses and extents with their covariance; arguments as for `pose_covariance`."""
    return Measurement(
        np.array([pose.quaternion_xyzw for pose in poses]).reshape(-1, 4),
        np.array([pose.location_cv for pose in poses]).reshape(-1, 3),
        np.array([pose.dims for pose in poses]).reshape(-1, 3),
        pose_covariance(poses, intrinsics, point_sigma, dims_sigma),
    )


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
