"""Numbers that are measured where ``extra_metrics`` names them."""

import io
import math

import numpy as np
import pytest

from cpose.apis.config.evaluation_parts import metric_settings
from cpose.evaluation.functional.pose_errors import outline_overlap
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.evaluation.report import build_table
from cpose.structures.camera import gl_from_cv

BOX = (0.2, 0.3, 0.25)
PLANE_GL = gl_from_cv(np.array([[0.0, 0.15, 2.0], [0.0, -1.0, 0.0]]))
EXTRA = [{'type': 'ScaleFreeIoU'}, {'type': 'RecallAtScore'}, {'type': 'FalsePositives'}]


def evaluate(scenes, extra=EXTRA):
    metric = ObjectronMetric(**metric_settings(), extra_metrics=extra)
    for scene in scenes:
        metric.process({'data_samples': [scene.sample]}, [scene.result])
    metric.evaluate(len(scenes))
    return metric.report


def test_prediction_right_up_to_scale(new_scene):
    # The plane lies too far below: the scale that puts the box on it is wrong.
    lower = PLANE_GL + np.array([[0.1, 0, 0], [0, 0, 0]])
    scene = new_scene(plane_gl=lower).add_object(BOX).add_prediction(BOX)
    report = evaluate([scene])
    assert report['mean_3DIoU'] < 0.5
    assert report['mean_IoU_scale_free'] == pytest.approx(1, abs=1e-5)
    assert report['AP50_scale_free'] == 1
    assert report['AP50_3DIoU'] == 0


def test_free_scale_is_never_worse(random_scenes):
    report = evaluate(random_scenes(40, seed=1))
    assert report['mean_3DIoU'] < report['mean_IoU_scale_free'] < 1
    assert report['AP50_3DIoU'] <= report['AP50_scale_free']


def test_false_positives_and_recall_per_image(new_scene):
    found = new_scene('found', plane_gl=PLANE_GL).add_object(BOX).add_prediction(BOX, score=0.9)
    found.add_prediction(BOX, score=0.5)  # a second one of the same object
    found.add_prediction(BOX, (0.6, 0, 2), score=0.2)  # too weak to be shown
    empty = new_scene('empty').add_prediction(BOX, (0.3, 0, 2), score=0.4).add_failure(0.6)
    missed = new_scene('missed', plane_gl=PLANE_GL).add_object(BOX)
    weak = new_scene('weak', plane_gl=PLANE_GL).add_object(BOX).add_prediction(BOX, score=0.29)
    report = evaluate([found, empty, missed, weak])
    assert report['false_positives'] == pytest.approx(3 / 4)
    assert report['recall'] == pytest.approx(1 / 3)
    lower = [
        {'type': 'RecallAtScore', 'min_score': 0.25},
        {'type': 'FalsePositives', 'min_score': 0.1},
    ]
    report = evaluate([found, empty, missed, weak], lower)
    assert report['false_positives'] == pytest.approx(4 / 4)
    assert report['recall'] == pytest.approx(2 / 3)


def test_poor_pose_in_the_right_place_is_no_false_positive(new_scene):
    scene = new_scene(plane_gl=PLANE_GL).add_object(BOX)
    scene.add_prediction((0.25, 0.3, 0.2), yaw_deg=45)
    report = evaluate([scene])
    assert report['mean_3DIoU'] < 0.75
    assert report['false_positives'] == 0


def test_box_far_from_the_only_object_is_a_false_positive(new_scene):
    scene = new_scene(plane_gl=PLANE_GL).add_object(BOX).add_prediction(BOX, (0.5, 0, 2))
    report = evaluate([scene])
    assert report['false_positives'] == 1
    assert report['recall'] == 0


def test_hidden_objects_do_not_make_false_positives(new_scene):
    scene = new_scene(plane_gl=PLANE_GL).add_object(BOX, visibility=0.02).add_prediction(BOX)
    assert evaluate([scene])['false_positives'] == 0


def test_nothing_to_count():
    report = evaluate([])
    assert math.isnan(report['recall'])
    assert math.isnan(report['false_positives'])


def test_directions_and_table(new_scene):
    from rich.console import Console

    scene = new_scene(plane_gl=PLANE_GL).add_object(BOX).add_prediction(BOX)
    metric = ObjectronMetric(**metric_settings(), extra_metrics=EXTRA)
    assert {'recall', 'false_positives', 'AP50_scale_free'} < set(metric.number_names)
    numbers = {n.key: m.is_larger_better(n) for m in metric.metrics for n in m.numbers}
    assert numbers['recall']
    assert not numbers['false_positives']
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(build_table(evaluate([scene])))
    lines = console.export_text().splitlines()
    assert any('false_positives' in line and '↓' in line and '0.000' in line for line in lines)
    assert any('AP50_scale_free' in line and '↑' in line for line in lines)


@pytest.mark.parametrize(
    ('shift', 'overlap'), [((0, 0), 1.0), ((5, 0), 1 / 3), ((5, 5), 1 / 7), ((20, 0), 0.0)]
)
def test_outline_overlap(shift, overlap):
    square = np.array([[0, 0], [10, 10], [0, 10], [10, 0], [5, 5], [5, 5], [5, 5], [5, 5.0]])
    pred = np.stack([square + shift, square])
    np.testing.assert_allclose(outline_overlap(pred, square), [overlap, 1])


def test_outlines_without_area_do_not_overlap():
    assert outline_overlap(np.zeros((8, 2)), np.zeros((8, 2))) == 0
