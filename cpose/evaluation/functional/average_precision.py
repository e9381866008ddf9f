"""Average precision over thresholds of the seven metrics.

Letters: n predictions, T thresholds.
"""

from types import MappingProxyType

import numpy as np

NUM_BINS = 21

THRESHOLDS = MappingProxyType(
    {
        'scale': np.linspace(0, 1, NUM_BINS),
        'iou': np.linspace(0, 1, NUM_BINS),
        'pixel': np.linspace(0, 0.1, NUM_BINS),
        'azimuth': np.linspace(0, 30, NUM_BINS),
        'polar': np.linspace(0, 20, NUM_BINS),
        'add': np.linspace(0, 1, NUM_BINS),
        'adds': np.linspace(0, 1, NUM_BINS),
    }
)
"""Ratio, ratio, share of the image sides, degrees, degrees, metres, metres.

Source: TAO PyTorch 6.25.10, evaluation.
"""

LARGER_IS_BETTER = frozenset({'iou'})


def is_hit(metric: str, values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Tell which values (n,) of a metric pass which thresholds (T,); returns (T, n) bool."""
    if metric in LARGER_IS_BETTER:
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


def average_precision_at(metric: str, curve: np.ndarray, threshold: float) -> float:
    """Read one threshold from the curve (21,) of a metric."""
    return float(curve[np.abs(THRESHOLDS[metric] - threshold).argmin()])
