"""Which prediction belongs to which object of an image.

Letters: P predictions, N objects, S equivalent views of an object.
"""

import numpy as np

UNMATCHED = -1
IGNORED = -2


def corner_distances(pred: np.ndarray, gt: np.ndarray, image_wh: np.ndarray) -> np.ndarray:
    """Measure how far predicted corners are from those of each object in the image.

    The norm of all corner differences in coordinates divided by width and height, least over
    the equivalent views. Source: TAO PyTorch 6.25.10, evaluation.

    Args:
        pred: (P, 8, 2), image pixels.
        gt: (N, S, 8, 2), image pixels.
        image_wh: (2,), pixels.

    Returns:
        (P, N).
    """
    unit = np.asarray(image_wh, dtype=np.float64)
    difference = pred[:, None, None] / unit - gt[None] / unit
    squared: np.ndarray = np.einsum('pnskj,pnskj->pns', difference, difference)
    return np.sqrt(squared.min(axis=2))


def match_nearest(distances: np.ndarray) -> np.ndarray:
    """Give each prediction its nearest object, however far and however often.

    Args:
        distances: (P, N).

    Returns:
        (P,) number of the object; `UNMATCHED` without objects.
    """
    if not distances.shape[1]:
        return np.full(len(distances), UNMATCHED)
    return distances.argmin(axis=1)


def match_one_to_one(
    distances: np.ndarray, scores: np.ndarray, has_pose: np.ndarray, is_counted: np.ndarray
) -> np.ndarray:
    """Give each object to the best-scoring prediction that it is nearest to.

    Args:
        distances: (P, N).
        scores: (P,).
        has_pose: (P,) bool; predictions without a pose take no object.
        is_counted: (N,) bool; predictions nearest to other objects are ignored.

    Returns:
        (P,) number of the object, `UNMATCHED` or `IGNORED`.
    """
    nearest = match_nearest(np.where(np.isnan(distances), np.inf, distances))
    matches = np.full(len(nearest), UNMATCHED)
    is_taken = np.zeros(distances.shape[1], dtype=bool)
    for number in np.argsort(-scores, kind='stable'):
        target = nearest[number]
        if target == UNMATCHED or not has_pose[number]:
            continue
        if not is_counted[target]:
            matches[number] = IGNORED
        elif not is_taken[target]:
            matches[number], is_taken[target] = target, True
    return matches
