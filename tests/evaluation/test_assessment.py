import numpy as np
import pytest

from cpose.evaluation.assessment import (
    Assessment,
    precision_at_recall,
    precision_curves,
    reported_numbers,
)
from cpose.evaluation.metric_table import METRIC_TABLE


def make(ious, scores, objects, num_objects=2):
    """Return an assessment whose other errors are all 0 for matched predictions."""
    is_matched = np.array(objects) >= 0
    values = {metric.key: np.where(is_matched, 0.0, metric.missed_value) for metric in METRIC_TABLE}
    values['iou'] = np.where(is_matched, ious, -np.inf)
    rows = np.stack([np.zeros_like(objects), np.arange(len(objects)), objects], axis=1)
    factors = np.ones(len(objects))
    return Assessment(np.array(scores), values, rows, num_objects, factors, num_images=4)


def test_misses_count_as_false_positives_but_not_in_the_means():
    assessment = make([0.8, 0.0, 0.6], [0.9, 0.8, 0.7], [0, -1, 1])
    curves = precision_curves(assessment)
    numbers = reported_numbers(assessment, curves)
    assert numbers['AP50_3DIoU'] == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert numbers['AP_azimuth15'] == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert curves['iou'][0] == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert numbers['mean_3DIoU'] == pytest.approx(0.7)
    assert numbers['MPE_2D_px'] == 0


def test_means_of_nothing_are_not_numbers():
    assessment = make([0.0], [0.9], [-1])
    numbers = reported_numbers(assessment, precision_curves(assessment))
    assert numbers['AP50_3DIoU'] == 0
    assert np.isnan(numbers['mean_3DIoU'])


def test_precision_at_recall():
    assessment = make([0.8, 0.0, 0.6], [0.9, 0.8, 0.7], [0, -1, 1])
    curve = precision_at_recall(assessment, 0.5)
    assert curve[:51] == pytest.approx(1)
    assert curve[51:] == pytest.approx(2 / 3)
    assert precision_at_recall(assessment, 0.75)[51:] == pytest.approx(0)
    assert np.isnan(precision_at_recall(make([], [], np.zeros(0, int), 0), 0.5)).all()
    assert (precision_at_recall(make([], [], np.zeros(0, int), 3), 0.5) == 0).all()
