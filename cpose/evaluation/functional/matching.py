"""Which prediction belongs to which object, and average precision over thresholds."""

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
        distances: (P, N), NaN where the place of one is unknown.

    Returns:
        (P,) number of the object; `UNMATCHED` without objects.
    """
    if not distances.shape[1]:
        return np.full(len(distances), UNMATCHED)
    return np.where(np.isnan(distances), np.inf, distances).argmin(axis=1)


def match_counted(
    distances: np.ndarray, has_pose: np.ndarray, is_counted: np.ndarray
) -> np.ndarray:
    """Give each prediction with a pose its nearest object; several may share one.

    Args:
        distances: (P, N).
        has_pose: (P,) bool; predictions without a pose take no object.
        is_counted: (N,) bool; predictions nearest to other objects are ignored.

    Returns:
        (P,) number of the object, `UNMATCHED` or `IGNORED`.
    """
    nearest = match_nearest(distances)
    if not len(is_counted):
        return nearest
    counted = np.where(is_counted[nearest], nearest, IGNORED)
    return np.where(has_pose, counted, UNMATCHED)


def keep_one_per_object(rows: np.ndarray, scores: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
    """Leave each object to one prediction: the best-scoring that overlaps it, if there is one.

    Without the overlap a confident false positive elsewhere in the image would take the object
    away from the prediction that found it.

    Args:
        rows: (n, 3) numbers of image, prediction and object, the last negative without one.
        scores: (n,).
        overlaps: (n,) bool, whether the boxes overlap in 3D.

    Returns:
        (n,) bool, True for predictions that keep their object.
    """
    order = np.lexsort((-scores, ~overlaps, rows[:, 2], rows[:, 0]))
    ordered = rows[order][:, [0, 2]]
    is_first = np.ones(len(rows), dtype=bool)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    kept = np.zeros(len(rows), dtype=bool)
    kept[order] = is_first
    return kept & (rows[:, 2] >= 0)


def is_hit(values: np.ndarray, thresholds: np.ndarray, larger_is_better: bool) -> np.ndarray:
    """Tell which values (n,) pass which thresholds (T,), at least or at most; returns (T, n)."""
    if larger_is_better:
        return np.asarray(values >= thresholds[:, None])
    return np.asarray(values <= thresholds[:, None])


def precision_recall(
    hits: np.ndarray, scores: np.ndarray, num_objects: int
) -> tuple[np.ndarray, np.ndarray]:
    """Follow precision and recall while the score threshold falls.

    Args:
        hits: (T, n) bool.
        scores: (n,), ranked in float32 as TAO PyTorch 6.25.10 does; equal ones keep their order.
        num_objects: Number of true objects, positive.

    Returns:
        Precision made monotone, and recall, both (T, n).
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float32), kind='stable')
    found = np.cumsum(hits[:, order], axis=1)
    precision = found / np.arange(1, len(order) + 1)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return precision, found / num_objects


def average_precision(hits: np.ndarray, scores: np.ndarray, num_objects: int) -> np.ndarray:
    """Compute the area under the monotone precision-recall curve.

    Above 1 if several predictions may hit the same object.
    Source: Everingham et al., "The PASCAL Visual Object Classes Challenge", VOC 2010 onwards.

    Args:
        hits: (T, n) bool.
        scores: (n,).
        num_objects: Number of true objects.

    Returns:
        (T,); NaN without objects.
    """
    if num_objects == 0:
        return np.full(len(hits), np.nan)
    precision, recall = precision_recall(hits, scores, num_objects)
    steps = np.diff(recall, axis=1, prepend=0.0)
    return np.asarray((steps * precision).sum(axis=1))
