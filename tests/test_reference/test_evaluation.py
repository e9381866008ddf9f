"""Metrics with the reference's rules against the vectors of README section 7."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cpose.datasets.annotations.annotation import parse_annotation
from cpose.evaluation.assessment import precision_curves, reported_numbers
from cpose.evaluation.evaluation_symmetry import build_evaluation_symmetry
from cpose.evaluation.metric_table import METRIC_TABLE
from cpose.evaluation.protocols.tao_protocol import TaoProtocol
from cpose.evaluation.records import EvaluationRecord, PredictedCuboids

RTOL = 1e-5
IOU_ATOL = 1e-6
AP_ATOL = 1e-6
SCALE_RULES = {True: 'AbsoluteScale', False: 'GroundPlaneScale'}
KEYPOINT_ARRAYS = {True: 'point_3d_metric', False: 'point_3d_cam'}
MEAN_NAMES = {
    'scale': 'mean_scale_error',
    'pixel': 'MPE_2D',
    'iou': 'mean_3DIoU',
    'azimuth': 'mean_azimuth_deg',
    'polar': 'mean_polar_deg',
}
THRESHOLDS = {metric.key: metric.thresholds for metric in METRIC_TABLE if metric.thresholds}


@dataclass(frozen=True)
class Case:
    annotations: Path
    predictions: Path
    expected: dict


def find_cases(root):
    cases = {}
    for path in sorted(root.glob('eval_expected_*.json')):
        name = path.stem.removeprefix('eval_expected_')
        for run, expected in json.loads(path.read_text()).items():
            cases[f'{name}-{run}'] = Case(
                root / f'eval_annotations_{name}.json',
                root / f'eval_predictions_{name}.npz',
                expected,
            )
    return cases


@pytest.fixture(scope='module')
def assessed():
    """Assess each case once."""
    known = {}

    def assess(case):
        key = id(case)
        if key not in known:
            known[key] = assess_case(case)
        return known[key]

    return assess


def assess_case(case):
    is_absolute = case.expected['use_absolute_scale']
    annotations = json.loads(case.annotations.read_text())
    predictions = dict(np.load(case.predictions))
    records = [
        make_record(annotations[name], name, predictions, KEYPOINT_ARRAYS[is_absolute])
        for name in case.expected['images']
    ]
    protocol = TaoProtocol(
        min_score=-1.0, min_visibility=0.1, scale_rule={'type': SCALE_RULES[is_absolute]}
    )
    symmetry = build_evaluation_symmetry(num_rotations=case.expected['eval_num_symmetry'])
    return records, protocol.assess(records, symmetry)


def make_record(annotation, name, predictions, keypoint_array):
    parsed = parse_annotation(annotation, name)
    rows = predictions['image_index'] == list(predictions['image_names']).index(name)
    return EvaluationRecord(
        image_name=name,
        image_wh=np.array(parsed.image_wh, dtype=np.float64),
        predictions=PredictedCuboids(
            scores=predictions['score'][rows],
            labels=np.zeros(rows.sum(), dtype=np.int64),
            dims=predictions['obj_scale'][rows],
            keypoints_gl=predictions[keypoint_array][rows],
            keypoints_image=predictions['projected_points'][rows],
        ),
        annotations=parsed.cuboids,
        projection=parsed.projection,
    )


def test_matches_equal_reference(case, assessed):
    records, assessment = assessed(case)
    assert assessment.num_objects == case.expected['total_instances']
    assert assessment.is_matched.sum() == case.expected['num_matched']
    for number, record in enumerate(records):
        rows = assessment.rows[assessment.rows[:, 0] == number]
        expected = case.expected['per_prediction'][record.image_name]
        assert rows[:, 2].tolist() == [item['matched'] for item in expected]


def test_values_of_each_prediction_equal_reference(case, assessed):
    records, assessment = assessed(case)
    for number, record in enumerate(records):
        places = np.flatnonzero(assessment.rows[:, 0] == number)
        expected = case.expected['per_prediction'][record.image_name]
        for place, item in zip(places, expected, strict=True):
            if item['matched'] < 0:
                continue
            if 'rescale' in item:
                assert assessment.factors[place] == pytest.approx(item['rescale'], rel=RTOL)
            for metric in THRESHOLDS:
                value = assessment.values[metric][place]
                assert value == pytest.approx(item[metric], rel=RTOL, abs=IOU_ATOL), metric


def test_average_precisions_equal_reference(case, assessed):
    _, assessment = assessed(case)
    curves = precision_curves(assessment)
    for metric, expected in case.expected['ap'].items():
        np.testing.assert_allclose(THRESHOLDS[metric], case.expected['thresholds'][metric])
        np.testing.assert_allclose(curves[metric], expected, atol=AP_ATOL, err_msg=metric)


def test_means_and_accuracy_equal_reference(case, assessed):
    _, assessment = assessed(case)
    numbers = reported_numbers(assessment, precision_curves(assessment))
    for metric, expected in case.expected['mean'].items():
        assert numbers[MEAN_NAMES[metric]] == pytest.approx(expected, rel=RTOL)
    accuracy = [numbers['AP50_3DIoU'], numbers['MPE_2D']]
    np.testing.assert_allclose(accuracy, case.expected['get_accuracy'], rtol=RTOL)
