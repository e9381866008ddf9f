import numpy as np
import pytest

from cpose.errors import ConfigError
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.evaluation.protocols.one_to_one_protocol import OneToOneProtocol
from cpose.evaluation.protocols.tao_protocol import TaoProtocol
from cpose.evaluation.score_report import average_tree, build_report

from ..shipped_parts import settings
from ..user_errors import raises

DIMS = (0.2, 0.1, 0.3)
NAMES = ObjectronMetric(**settings('ObjectronMetric')).number_names


def report_of(records, meta=None):
    return build_report(
        records,
        meta,
        OneToOneProtocol(**settings('OneToOneProtocol')),
        TaoProtocol(**settings('TaoProtocol')),
    )


def meta_of(*names, rotations=1):
    count = len(names)
    return {
        'category': names,
        'symmetry': ({'type': 'NoSymmetry'},) * count,
        'eval_num_symmetry': (rotations,) * count,
    }


def test_holds_all_numbers_and_curves(new_scene, new_record):
    report = report_of([new_record(new_scene().add_object(DIMS).add_prediction(DIMS))])
    assert set(NAMES) < set(report)
    assert 'extra_metrics' not in report
    assert report['AP50_3DIoU'] == pytest.approx(1)
    assert report['AP50_3DIoU_tao'] == pytest.approx(1)
    assert (report['num_images'], report['num_objects']) == (1, 1)
    assert list(report['curves']) == ['scale', 'iou', 'pixel', 'azimuth', 'polar', 'add', 'adds']
    for curves in (report['curves'], report['curves_tao']):
        for curve in curves.values():
            assert len(curve['thresholds']) == len(curve['ap']) == 21
    assert list(report['precision_recall']) == ['recall', '0.25', '0.5', '0.75']
    assert list(report['per_category']) == ['object']


def test_both_rules_are_reported(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS).add_prediction(DIMS, score=0.8)
    empty = new_scene().add_prediction(DIMS, score=0.95)
    report = report_of([new_record(scene), new_record(empty)])
    assert report['AP50_3DIoU'] == pytest.approx(0.5)
    assert report['AP50_3DIoU_tao'] == pytest.approx(2)
    assert report['curves_tao']['iou']['ap'][10] == pytest.approx(2)


def test_categories_that_occur_are_averaged(new_scene, new_record):
    scene = new_scene().add_object(DIMS, label=0).add_prediction(DIMS, label=0)
    scene.add_object(DIMS, (0.6, 0, 2), label=1)
    # A detection of the right place but the wrong category, and one of a category without objects.
    scene.add_prediction(DIMS, (0.6, 0, 2), label=0, score=0.5).add_prediction(DIMS, label=2)
    report = report_of([new_record(scene)], meta_of('cup', 'shoe', 'book'))
    by_name = report['per_category']
    assert by_name['cup']['AP50_3DIoU'] == pytest.approx(1)
    assert by_name['shoe']['AP50_3DIoU'] == 0
    assert np.isnan(by_name['book']['AP50_3DIoU'])
    assert report['AP50_3DIoU'] == pytest.approx(0.5)
    assert report['mean_3DIoU'] == pytest.approx(1)
    assert report['curves']['iou']['ap'][10] == pytest.approx(0.5)
    assert report['num_objects'] == 2


def test_symmetry_is_that_of_the_category(new_scene, new_record):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS, yaw_deg=77)
    records = [new_record(scene)]
    assert report_of(records, meta_of('box'))['mean_azimuth_deg'] == pytest.approx(77)
    assert report_of(records, meta_of('can', rotations=100))['mean_azimuth_deg'] < 1.8
    meta = {**meta_of('case'), 'symmetry': ({'type': 'CuboidSymmetry'},)}
    assert report_of(records, meta)['mean_azimuth_deg'] == pytest.approx(13)


def test_without_images_or_objects_there_are_no_numbers(new_scene, new_record):
    for records in ([], [new_record(new_scene().add_prediction(DIMS))]):
        report = report_of(records)
        assert report['num_objects'] == 0
        measured = [name for name in NAMES if not name.startswith('num_')]
        assert np.isnan([report[name] for name in measured]).all()


def test_bad_symmetry_count_is_refused():
    with raises(ConfigError, argument='metainfo.eval_num_symmetry'):
        report_of([], meta_of('can', rotations=0))


def test_average_leaves_out_what_is_not_known():
    reports = [{'a': 1.0, 'b': [1.0, np.nan]}, {'a': np.nan, 'b': [2.0, np.nan]}]
    averaged = average_tree(reports)
    assert averaged['a'] == 1
    assert averaged['b'][0] == 1.5
    assert np.isnan(averaged['b'][1])
