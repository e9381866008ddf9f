"""Which of its equivalent labellings a symmetric cuboid has, as a track expects it.

Letters: N cuboids, S labellings.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cpose.geometry.cuboid_pose import NUM_MEASURED, Measurement
from cpose.geometry.rotation import CONJUGATE, multiply_quaternions, quaternion_from_matrix
from cpose.structures.cuboid import CORNER_SIGNS, UNIT_KEYPOINTS


class Labellings(NamedTuple):
    """How a symmetric cuboid may be described.

    Attributes:
        rotations: (S, 3, 3), object frame from the object frame of each labelling.
        quaternions: (S, 4), the same.
        axes: (S, 3), which extent stands in each place.
        entries: (S, 81), which entry of a covariance, row by row, stands in each place.
    """

    rotations: np.ndarray
    quaternions: np.ndarray
    axes: np.ndarray
    entries: np.ndarray


def list_labellings(symmetry: Any) -> Labellings:
    """Return the labellings of a symmetry, see `cpose.codecs.symmetries`."""
    keypoints, axes = symmetry.candidates(UNIT_KEYPOINTS, np.arange(3))
    sides = np.einsum('sci,cj->sij', keypoints[:, 1:], CORNER_SIGNS)
    rotations = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    places = np.concatenate([np.tile(np.arange(6), (len(axes), 1)), 6 + axes], axis=1)
    entries = NUM_MEASURED * places[:, :, None] + places[:, None, :]
    quaternions = quaternion_from_matrix(rotations)
    return Labellings(rotations, quaternions, axes, entries.reshape(len(axes), -1))


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
    turned = multiply_quaternions(measured.quaternion * CONJUGATE, expected)
    sizes = np.log(measured.dims)
    groups = list({id(item): item for item in labellings}.values())
    if len(groups) == 1:
        return _relabel(measured, groups[0], _nearest(groups[0], turned, sizes, log_dims))
    relabelled = Measurement(*(np.empty_like(part) for part in measured))
    for each in groups:
        rows = [row for row, item in enumerate(labellings) if item is each]
        best = _nearest(each, turned[rows], sizes[rows], log_dims[rows])
        part = _relabel(Measurement(*(values[rows] for values in measured)), each, best)
        for whole, values in zip(relabelled, part, strict=True):
            whole[rows] = values
    return relabelled


def _nearest(
    labellings: Labellings, turned: np.ndarray, sizes: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """Return which labellings (N,) come nearest to what is expected.

    Args:
        labellings: Of all cuboids.
        turned: (N, 4) quaternions, from the measured cuboids to the expected ones.
        sizes: (N, 3) logarithms of the measured extents.
        expected: (N, 3) the same of the expected ones.
    """
    # The trace of a relative rotation is 4 w² − 1 of its quaternion.
    traces = 4 * (turned @ labellings.quaternions.T) ** 2
    misfit = np.abs(sizes[:, labellings.axes] - expected[:, None]).sum(axis=2)
    return np.asarray((misfit - traces).argmin(axis=1))


def _relabel(measured: Measurement, labellings: Labellings, best: np.ndarray) -> Measurement:
    """Return a measurement in labellings (N,) of its cuboids."""
    column = np.arange(len(best))[:, None]
    covariance = measured.covariance.reshape(len(best), -1)[column, labellings.entries[best]]
    return Measurement(
        multiply_quaternions(measured.quaternion, labellings.quaternions[best]),
        measured.location,
        measured.dims[column, labellings.axes[best]],
        covariance.reshape(measured.covariance.shape),
    )
