"""Distances between matched cuboids, in space, in size and in the image.

Letters: n pairs. Leading axes broadcast.
"""

import numpy as np


def average_distance(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Compute ADD: the mean distance of the nine keypoints.

    Source: Hinterstoisser et al., "Model Based Training, Detection and Pose Estimation of
    Texture-Less 3D Objects in Heavily Cluttered Scenes", section 4, on keypoints.

    Args:
        pred: (..., 9, 3), metres.
        gt: (..., 9, 3), metres, same frame.

    Returns:
        (...), metres.
    """
    return np.asarray(np.linalg.norm(pred - gt, axis=-1).mean(axis=-1))


def average_nearest_distance(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Compute ADD-S: the mean distance of predicted keypoints (..., 9, 3) to the nearest true one.

    Source: as `average_distance`.
    """
    distance = np.linalg.norm(pred[..., :, None, :] - gt[..., None, :, :], axis=-1)
    return np.asarray(distance.min(axis=-1).mean(axis=-1))


def relative_scale_error(pred_dims: np.ndarray, gt_dims: np.ndarray) -> np.ndarray:
    """Sum the relative errors of the extents divided by the height.

    Source: TAO PyTorch 6.25.10, evaluation.

    Args:
        pred_dims: (..., 3), extents along x, y, z, any unit.
        gt_dims: (..., 3), any unit.

    Returns:
        (...), a ratio.
    """
    pred = pred_dims / pred_dims[..., 1:2]
    gt = gt_dims / gt_dims[..., 1:2]
    return np.asarray((np.abs(pred - gt) / gt).sum(axis=-1))


def mean_corner_distance(pred: np.ndarray, gt: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Average the distances of the eight corners in the image.

    Args:
        pred: (..., 8, 2), image pixels.
        gt: (..., 8, 2), image pixels.
        unit: (..., 2), pixels along x and y that count as one: the image's width and height for
            normalised distances, ones for pixels.

    Returns:
        (...), in that unit.
    """
    return np.asarray(np.linalg.norm((pred - gt) / unit[..., None, :], axis=-1).mean(axis=-1))
