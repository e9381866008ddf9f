"""How well all predictions of one category fit, and the numbers made of it.

Letters: n predictions.
"""

from dataclasses import dataclass

import numpy as np

from cpose.evaluation.functional.average_precision import (
    LARGER_IS_BETTER,
    THRESHOLDS,
    average_precision,
    average_precision_at,
    is_hit,
    precision_recall,
)

HEADLINES = {
    'AP50_3DIoU': ('iou', 0.5),
    'AP_azimuth15': ('azimuth', 15.0),
    'AP_polar10': ('polar', 10.0),
}
"""Name, metric and threshold of the average precisions that are reported by name."""

MEANS = {
    'mean_3DIoU': 'iou',
    'MPE_2D': 'pixel',
    'MPE_2D_px': 'pixel_px',
    'mean_azimuth_deg': 'azimuth',
    'mean_polar_deg': 'polar',
    'mean_scale_error': 'scale',
    'ADD': 'add',
    'ADDS': 'adds',
}
"""Name and metric of the means over matched predictions."""

ERROR_NAMES = (*THRESHOLDS, 'pixel_px')
RECALL_LEVELS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Assessment:
    """All predictions of one category, in the order of the images.

    Attributes:
        scores: (n,), by which predictions are ranked.
        values: Per metric (n,); predictions without an object have the value of a miss.
        rows: (n, 3) numbers of image, prediction and object, the last negative without one.
        num_objects: Number of objects to be found.
        factors: (n,) that made the predictions metric, NaN without an object.
    """

    scores: np.ndarray
    values: dict[str, np.ndarray]
    rows: np.ndarray
    num_objects: int
    factors: np.ndarray

    @property
    def is_matched(self) -> np.ndarray:
        """Return (n,) bool, whether a prediction has an object."""
        return np.asarray(self.rows[:, 2] >= 0)


def missed_value(metric: str) -> float:
    """Return the value that never passes a threshold."""
    return -np.inf if metric in LARGER_IS_BETTER else np.inf


def precision_curves(assessment: Assessment) -> dict[str, np.ndarray]:
    """Return the average precision (21,) at the thresholds of each metric."""
    return {
        metric: average_precision(
            is_hit(metric, assessment.values[metric], thresholds),
            assessment.scores,
            assessment.num_objects,
        )
        for metric, thresholds in THRESHOLDS.items()
    }


def headline_numbers(assessment: Assessment, curves: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the named average precisions and the means; NaN where nothing was matched."""
    numbers = {
        name: average_precision_at(metric, curves[metric], threshold)
        for name, (metric, threshold) in HEADLINES.items()
    }
    rows = assessment.is_matched
    for name, metric in MEANS.items():
        numbers[name] = float(assessment.values[metric][rows].mean()) if rows.any() else np.nan
    return numbers


def precision_at_recall(assessment: Assessment, iou: float) -> np.ndarray:
    """Return the best precision at recalls of at least 0, 0.01, …, 1 for hits of that 3D IoU."""
    if not assessment.num_objects or not len(assessment.scores):
        return np.full(len(RECALL_LEVELS), 0.0 if assessment.num_objects else np.nan)
    hits = is_hit('iou', assessment.values['iou'], np.array([iou]))
    precision, recall = precision_recall(hits, assessment.scores, assessment.num_objects)
    place = np.searchsorted(recall[0], RECALL_LEVELS - 1e-12)
    return np.append(precision[0], 0.0)[place]
