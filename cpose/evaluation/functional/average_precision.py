"""Average precision over thresholds of a metric.

Letters: n predictions, T thresholds.
"""

import numpy as np


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
