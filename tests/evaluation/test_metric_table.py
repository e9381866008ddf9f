import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cpose.errors import ConfigError
from cpose.evaluation.metric_spec import (
    MetricSpec,
    ReportedNumber,
    describe_metric,
    list_numbers,
    measure_pairs,
    metric_from_description,
    thresholds_up_to,
)
from cpose.evaluation.metric_table import METRIC_TABLE, build_metrics, find_number
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.registry import METRIC_SPECS

from ..shipped_parts import settings
from ..user_errors import raises

DIMS = (0.2, 0.1, 0.3)
META = {
    'category': ('cup', 'shoe'),
    'symmetry': ({'type': 'CuboidSymmetry'}, {'type': 'NoSymmetry'}),
    'eval_num_symmetry': (12, 1),
}


def depth_metric(key='depth', name='mean_depth', **options):
    """Return a metric of the distance between centres along the view."""
    return MetricSpec(
        key=key,
        title='Depth',
        measure=lambda pairs: np.abs(pairs.pred_keypoints - pairs.gt_keypoints)[:, 0, 2],
        numbers=(ReportedNumber(name, 'mean depth error, metres'),),
        unit='metres',
        **options,
    )


def handle_metric():
    """Return a metric of what is predicted and annotated besides the box."""
    return MetricSpec(
        key='handle',
        title='Handle',
        measure=lambda pairs: np.abs(
            pairs.matched.pred_extras['handle'] - pairs.matched.gt_extras['handle']
        ),
        numbers=(
            ReportedNumber('AP_handle10', 'AP at handle error ≤ 10°', 10.0),
            ReportedNumber('mean_handle_deg', 'mean handle error, degrees', digits=2),
        ),
        thresholds=thresholds_up_to(20),
        allows_unknown=True,
    )


@pytest.fixture
def registered():
    functions = {'Depth': depth_metric, 'Handle': handle_metric}
    for name, function in functions.items():
        METRIC_SPECS.register_module(name=name, module=function)
    yield
    for name in functions:
        METRIC_SPECS.module_dict.pop(name)


def evaluate(scenes, *extra):
    chosen = [{'type': name} for name in extra]
    metric = ObjectronMetric(**settings('ObjectronMetric', extra_metrics=chosen))
    metric.dataset_meta = META
    metric.process({'data_samples': [s.sample for s in scenes]}, [s.result for s in scenes])
    return metric, metric.evaluate(len(scenes))


def test_a_miss_passes_no_threshold():
    for metric in METRIC_TABLE:
        assert metric.missed_value == (-math.inf if metric.key == 'iou' else math.inf)
    assert depth_metric(missed=3.0).missed_value == 3


def test_average_precision_and_overlap_are_better_when_large():
    large = [n.key for metric, n in list_numbers(METRIC_TABLE) if metric.is_larger_better(n)]
    assert large == ['AP50_3DIoU', 'AP50_3DIoU_tao', 'AP_azimuth15', 'AP_polar10', 'mean_3DIoU']


def test_numbers_are_found_by_our_name_and_by_that_of_tao():
    assert find_number('3DIoU')[1].key == 'AP50_3DIoU_tao'
    assert find_number('2DMPE')[1].key == find_number('MPE_2D')[1].key == 'MPE_2D'
    assert find_number('mAP') is None


def test_threshold_of_a_number_is_on_its_curve():
    with raises(ConfigError, 'AP_depth'):
        MetricSpec('depth', 'Depth', None, (ReportedNumber('AP_depth', '', 0.3),), (0.0, 1.0))


def test_keys_are_unique(registered):
    assert build_metrics([{'type': 'Depth'}])[-1].key == 'depth'
    for same in ({'key': 'iou'}, {'name': 'ADD'}, {'name': 'num_images'}):
        with raises(ConfigError, next(iter(same.values()))):
            build_metrics([{'type': 'Depth', **same}])


def test_wrong_shapes_are_refused(new_scene, registered):
    METRIC_SPECS.register_module(
        name='Wrong', module=lambda: MetricSpec('wrong', '', lambda pairs: np.zeros(7), ())
    )
    try:
        with raises(ConfigError, '(7,) for 1 pairs', argument='measure'):
            evaluate([new_scene().add_object(DIMS).add_prediction(DIMS)], 'Wrong')
    finally:
        METRIC_SPECS.module_dict.pop('Wrong')


def test_extra_metrics_change_nothing_else(random_scenes, registered):
    scenes = random_scenes(12, 0, labels=2)
    plain, numbers = evaluate(scenes)
    extended, more = evaluate(scenes, 'Depth')
    assert more.pop('mean_depth') > 0
    assert more == numbers
    description = extended.report.pop('extra_metrics')
    assert description[0]['key'] == 'depth'
    del extended.report['mean_depth']
    for report in extended.report['per_category'].values():
        del report['mean_depth']
    np.testing.assert_equal(extended.report, plain.report)


def test_pairs_are_compared_under_the_name_and_rotation_that_count(new_scene, registered):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS[::-1], yaw_deg=90)
    METRIC_SPECS.register_module(
        name='Corner',
        module=lambda: MetricSpec(
            'corner',
            '',
            lambda pairs: np.abs(pairs.pred_keypoints - pairs.gt_keypoints).max(axis=(1, 2)),
            (ReportedNumber('max_corner', ''),),
        ),
    )
    try:
        assert evaluate([scene], 'Corner')[1]['max_corner'] == pytest.approx(0, abs=1e-9)
    finally:
        METRIC_SPECS.module_dict.pop('Corner')


def with_handle(scene, found, annotated):
    """Give the objects of a scene what a head of one's own predicts, and its annotation."""
    poses = [replace(p, extras={'handle': v}) for p, v in zip(scene.poses, found, strict=True)]
    annotations = replace(scene.annotations, extras={'handle': np.array(annotated, dtype=float)})
    return SimpleNamespace(
        sample=replace(scene.sample, annotations=annotations),
        result=replace(scene.result, poses=poses),
    )


def test_extras_reach_the_metric_and_those_not_annotated_are_left_out(new_scene, registered):
    places = [(-0.5, 0, 2), (0, 0, 2), (0.5, 0, 2)]
    scene = new_scene()
    for place in places:
        scene.add_object(DIMS, place).add_prediction(DIMS, place)
    fed = with_handle(scene, [10.0, 50.0, 70.0], [14.0, np.nan, 50.0])
    _, numbers = evaluate([fed], 'Handle')
    assert numbers['mean_handle_deg'] == pytest.approx((4 + 20) / 2)
    assert numbers['AP_handle10'] == pytest.approx(1 / 3)


def test_descriptions_survive_json():
    for metric in (depth_metric(), handle_metric()):
        read = metric_from_description(json.loads(json.dumps(describe_metric(metric))))
        assert describe_metric(read) == describe_metric(metric)
        assert read.numbers == metric.numbers
        with pytest.raises(AssertionError, match='only be shown'):
            measure_pairs([read], None)
