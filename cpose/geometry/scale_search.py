"""The scale along the viewing rays at which cuboids overlap most.

One image tells a shape and a direction, but not how large and how far away an object is: scaled
about the camera, a cuboid looks the same. Letters: N pairs, T scales tried.

For cuboids at one rotation the 3D IoU rises with the scale to a single maximum and then falls: the
cube root of the shared volume is concave in the scale where there is any (Brunn-Minkowski), the
cube root of the sum of both volumes is convex. So a search that has the maximum between two
neighbours of its best try ends at the maximum.
"""

import numpy as np

from cpose.geometry.iou3d import box_iou3d_symmetric

NUM_TRIES = 33
"""Scales tried first, at equal ratios, where the depths of two cuboids meet at all."""

NUM_REFINEMENTS = 30
"""Steps of the golden section; the scale is then known to about 1e-7 of itself."""

SHRINK = (np.sqrt(5) - 1) / 2
NEAREST = 0.01
"""Depth of a cuboid that reaches behind the camera begins at this part of its end."""


def best_scale(
    pred: np.ndarray, gt: np.ndarray, angles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the factor of best 3D IoU for each prediction, scaled about the camera.

    Args:
        pred: (N, 9, 3) keypoints, any camera frame and unit.
        gt: (N, 9, 3) keypoints in the same frame, any unit.
        angles: (A,) rotations about the up axis that count as equal, see `box_iou3d_symmetric`;
            [0] for none.

    Returns:
        (N,) factors, NaN for cuboids that no scale makes overlap, and (N,) the IoU with them.

    Raises:
        ValueError: If the shapes differ from the above.
    """
    pred, gt = np.asarray(pred, dtype=np.float64), np.asarray(gt, dtype=np.float64)
    if not len(pred):
        return np.zeros(0), np.zeros(0)

    def iou_at(log_factors: np.ndarray) -> np.ndarray:
        return box_iou3d_symmetric(pred * np.exp(log_factors)[:, None, None], gt, angles)

    low, high = _log_factor_range(pred, gt)
    tries = np.linspace(low, high, NUM_TRIES)
    iou = np.stack([iou_at(factors) for factors in tries])
    best, each = iou.argmax(axis=0), np.arange(len(pred))
    left = tries[np.maximum(best - 1, 0), each]
    right = tries[np.minimum(best + 1, NUM_TRIES - 1), each]
    inner = [right - SHRINK * (right - left), left + SHRINK * (right - left)]
    values = [iou_at(factors) for factors in inner]
    for _ in range(NUM_REFINEMENTS):
        is_left = values[0] >= values[1]
        left, right = np.where(is_left, left, inner[0]), np.where(is_left, inner[1], right)
        tried = np.where(is_left, right - SHRINK * (right - left), left + SHRINK * (right - left))
        value = iou_at(tried)
        inner = [np.where(is_left, tried, inner[1]), np.where(is_left, inner[0], tried)]
        values = [np.where(is_left, value, values[1]), np.where(is_left, values[0], value)]
    factors = np.stack([tries[best, each], *inner])
    values = [iou[best, each], *values]
    chosen = np.argmax(values, axis=0)
    found = np.stack(values)[chosen, each]
    return np.where(found > 0, np.exp(factors[chosen, each]), np.nan), found


def _log_factor_range(pred: np.ndarray, gt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms (N,) of the least and largest factor at which depths meet.

    Depth is measured from the camera towards the true centre, where corners are the extremes.
    """
    toward = gt[:, 0] / np.maximum(np.linalg.norm(gt[:, 0], axis=1, keepdims=True), 1e-12)
    pred_near, pred_far = _depth_range(pred, toward)
    gt_near, gt_far = _depth_range(gt, toward)
    return np.log(gt_near / pred_far), np.log(gt_far / pred_near)


def _depth_range(keypoints: np.ndarray, toward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    depths = np.einsum('nkj,nj->nk', keypoints[:, 1:], toward)
    far = np.maximum(depths.max(axis=1), 1e-12)
    return np.maximum(depths.min(axis=1), NEAREST * far), far
