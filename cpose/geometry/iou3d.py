"""Intersection over union of oriented cuboids in 3D, exact and in batches.

Cuboids are given by their nine keypoints, (N, 9, 3), in one common frame and unit.
"""

import numpy as np

from cpose.errors import check_shape
from cpose.geometry.cuboid_overlap import cuboid_volumes, overlap_fraction
from cpose.geometry.rotation_search import best_overlaps

PAIRS_AT_ONCE = 512
"""Pairs per batch, so that the working arrays stay in the processor's cache."""

ROUNDING = 1e-14
"""Overlaps below this share of the larger cuboid are rounding: cuboids that touch or are apart."""


def box_iou3d(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute the 3D IoU of pairs of cuboids.

    Exact but for rounding (about 1e-15, or 1e-11 for cuboids thinner than 1e-7 of their length).
    Cuboids without volume and cuboids that are not finite give 0.

    Args:
        a: (N, 9, 3) keypoints, float64.
        b: (N, 9, 3) keypoints in the same frame and unit.

    Returns:
        (N,), 0 to 1.

    Raises:
        ValueError: If the shapes differ from the above.
    """
    a, b = _check_pairs(a, b)
    iou = np.zeros(len(a))
    for begin in range(0, len(a), PAIRS_AT_ONCE):
        rows = slice(begin, begin + PAIRS_AT_ONCE)
        with np.errstate(all='ignore'):
            iou[rows] = _iou_of_batch(a[rows], b[rows])
    return iou


def box_iou3d_symmetric(pred: np.ndarray, gt: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Compute the best 3D IoU over rotations of the prediction about its own up axis.

    Args:
        pred: (N, 9, 3) keypoints, float64.
        gt: (N, 9, 3) keypoints in the same frame and unit.
        angles: (A,), radians, right-handed about the axis from corner 1 to corner 3 through
            keypoint 0.

    Returns:
        (N,), 0 to 1; memory does not depend on A for N and A large.

    Raises:
        ValueError: If the shapes differ from the above.
    """
    return best_rotation(pred, gt, angles)[0]


def best_rotation(
    pred: np.ndarray, gt: np.ndarray, angles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the rotation of best 3D IoU for each prediction, with arguments as above.

    Returns:
        (N,) the best IoU and (N,) the number of its angle; 0 for pairs that never overlap.
    """
    pred, gt = _check_pairs(pred, gt)
    angles = np.asarray(angles, dtype=np.float64)
    check_shape('angles', angles, (None,))
    if not angles.size:
        raise ValueError('angles is empty, expected at least one rotation.')
    iou, index = np.zeros(len(pred)), np.zeros(len(pred), dtype=np.int64)
    volumes_pred, volumes_gt = cuboid_volumes(pred), cuboid_volumes(gt)
    kept = np.flatnonzero(_is_solid(volumes_pred) & _is_solid(volumes_gt))
    with np.errstate(all='ignore'):
        fraction, index[kept] = best_overlaps(pred[kept], gt[kept], angles)
        iou[kept] = _iou_of_fraction(fraction, volumes_gt[kept], volumes_pred[kept])
    index[iou == 0] = 0
    return iou, index


def _iou_of_batch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    volumes_a, volumes_b = cuboid_volumes(a), cuboid_volumes(b)
    iou = np.zeros(len(a))
    kept = np.flatnonzero(_is_solid(volumes_a) & _is_solid(volumes_b))
    if not kept.size:
        return iou
    a, b, volumes_a, volumes_b = a[kept], b[kept], volumes_a[kept], volumes_b[kept]
    is_swapped = (volumes_b > volumes_a)[:, None, None]
    larger, smaller = np.where(is_swapped, b, a), np.where(is_swapped, a, b)
    fraction = overlap_fraction(larger, smaller)
    iou[kept] = _iou_of_fraction(
        fraction, np.maximum(volumes_a, volumes_b), np.minimum(volumes_a, volumes_b)
    )
    return iou


def _iou_of_fraction(
    fraction: np.ndarray, frame_volumes: np.ndarray, volumes: np.ndarray
) -> np.ndarray:
    """Return the IoU of cuboids of which a share lies inside others of the given volumes."""
    shared = np.where(fraction > ROUNDING, fraction * frame_volumes, 0)
    shared = np.minimum(shared, np.minimum(frame_volumes, volumes))
    iou = shared / (frame_volumes + volumes - shared)
    return np.where(np.isfinite(iou), iou, 0)


def _is_solid(volumes: np.ndarray) -> np.ndarray:
    return np.isfinite(volumes) & (volumes > 0)


def _check_pairs(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    check_shape('the first cuboids', a, (None, 9, 3))
    check_shape('the second cuboids', b, (len(a), 9, 3))
    return a, b
