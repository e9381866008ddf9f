"""How well all predictions of one category fit, and the numbers made of it.

Letters: n predictions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cpose.evaluation.functional.matching import (
    average_precision,
    is_hit,
    precision_recall,
)
from cpose.evaluation.metric_spec import MetricSpec, ReportedNumber, list_numbers
from cpose.evaluation.metric_table import METRIC_TABLE

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
        num_images: Number of images.
    """

    scores: np.ndarray
    values: dict[str, np.ndarray]
    rows: np.ndarray
    num_objects: int
    factors: np.ndarray
    num_images: int

    @property
    def is_matched(self) -> np.ndarray:
        """Return (n,) bool, whether a prediction has an object."""
        return np.asarray(self.rows[:, 2] >= 0)


def precision_curves(
    assessment: Assessment, metrics: Sequence[MetricSpec] = METRIC_TABLE
) -> dict[str, np.ndarray]:
    """Return the average precision (T,) at the thresholds of each metric that has some."""
    return {
        metric.key: average_precision(
            is_hit(
                assessment.values[metric.key],
                np.array(metric.thresholds),
                metric.larger_is_better,
            ),
            assessment.scores,
            assessment.num_objects,
        )
        for metric in metrics
        if metric.thresholds
    }


def reported_numbers(
    assessment: Assessment,
    curves: Mapping[str, np.ndarray],
    metrics: Sequence[MetricSpec] = METRIC_TABLE,
) -> dict[str, float]:
    """Return all numbers by name; NaN where there is nothing to average or to count by."""
    return {
        number.key: _number_value(metric, number, assessment, curves)
        for metric, number in list_numbers(metrics)
    }


def _number_value(
    metric: MetricSpec,
    number: ReportedNumber,
    assessment: Assessment,
    curves: Mapping[str, np.ndarray],
) -> float:
    if number.threshold is not None and number.counting != 'precision':
        return _count(metric, number, assessment)
    if number.threshold is not None:
        place = np.abs(np.array(metric.thresholds) - number.threshold).argmin()
        return float(curves[metric.key][place])
    if number.counting == 'mean_precision':
        return float(np.mean(curves[metric.key]))
    values = assessment.values[metric.key][assessment.is_matched]
    if metric.allows_unknown:
        values = values[~np.isnan(values)]
    if number.counting == 'sum' and len(values):
        return float(values.sum())
    return float(values.mean()) if len(values) else np.nan


def _count(metric: MetricSpec, number: ReportedNumber, assessment: Assessment) -> float:
    """Return how many objects are hit, of all, or how many predictions miss, per image."""
    threshold = np.array([number.threshold])
    is_hit_by = is_hit(assessment.values[metric.key], threshold, metric.larger_is_better)[0]
    is_shown = assessment.scores >= number.min_score
    if number.counting == 'recall':
        count, whole = (is_hit_by & is_shown).sum(), assessment.num_objects
    else:
        count, whole = (~is_hit_by & is_shown).sum(), assessment.num_images
    return float(count / whole) if whole else np.nan


def precision_at_recall(assessment: Assessment, iou: float) -> np.ndarray:
    """Return the best precision at recalls of at least 0, 0.01, …, 1 for hits of that 3D IoU."""
    if not assessment.num_objects or not len(assessment.scores):
        return np.full(len(RECALL_LEVELS), 0.0 if assessment.num_objects else np.nan)
    hits = is_hit(assessment.values['iou'], np.array([iou]), larger_is_better=True)
    precision, recall = precision_recall(hits, assessment.scores, assessment.num_objects)
    place = np.searchsorted(recall[0], RECALL_LEVELS - 1e-12)
    return np.append(precision[0], 0.0)[place]
