from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope

from cpose.errors import DataError
from cpose.evaluation.dump_reading import read_dump
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.registry import METRICS

from ..shipped_parts import part, settings
from ..user_errors import raises

KEYS = [
    'AP50_3DIoU',
    'AP50_3DIoU_tao',
    'AP_azimuth15',
    'AP_polar10',
    'mean_3DIoU',
    'MPE_2D',
    'MPE_2D_px',
    'mean_azimuth_deg',
    'mean_polar_deg',
    'mean_scale_error',
    'ADD',
    'ADDS',
    'num_images',
    'num_objects',
]
META = {
    'category': ('cup', 'shoe'),
    'symmetry': ({'type': 'CuboidSymmetry'}, {'type': 'NoSymmetry'}),
    'eval_num_symmetry': (12, 1),
}
DIMS = (0.2, 0.1, 0.3)


def make_metric(**changes):
    return ObjectronMetric(**settings('ObjectronMetric', **changes))


def feed(metric, scenes, batch=4):
    metric.dataset_meta = META
    for begin in range(0, len(scenes), batch):
        chunk = scenes[begin : begin + batch]
        metric.process({'data_samples': [s.sample for s in chunk]}, [s.result for s in chunk])
    return metric


def test_returns_the_published_keys_as_numbers_without_prefix(random_scenes):
    scenes = random_scenes(12, 0, labels=2)
    metrics = feed(make_metric(), scenes).evaluate(len(scenes))
    assert list(metrics) == KEYS
    assert all(isinstance(value, int | float) for value in metrics.values())
    assert metrics['num_images'] == 12


def test_is_built_by_the_evaluator(new_scene):
    with DefaultScope.overwrite_default_scope('cpose'):
        evaluator = Evaluator(part('ObjectronMetric'))
    evaluator.dataset_meta = META
    scene = new_scene().add_object(DIMS).add_prediction(DIMS)
    evaluator.process([scene.result], {'data_samples': [scene.sample]})
    assert evaluator.evaluate(1)['AP50_3DIoU'] == pytest.approx(1)


def test_keeps_one_plain_element_per_image(random_scenes):
    scenes = random_scenes(7, 1, labels=2)
    metric = feed(make_metric(), scenes, batch=3)
    assert len(metric.results) == 7

    def check(value):
        assert isinstance(value, dict | np.ndarray | str | None)
        for item in value.values() if isinstance(value, dict) else ():
            check(item)

    for element in metric.results:
        check(element)


@pytest.mark.parametrize('world_size', [2, 3])
def test_ranks_give_the_numbers_of_one_process(random_scenes, world_size):
    scenes = random_scenes(31, 2, labels=2)
    expected = feed(make_metric(), scenes).evaluate(len(scenes))
    # Each rank has every n-th image, padded by repeating the first ones; MMEngine interleaves
    # the parts and cuts to the length of the data set.
    padded = scenes + scenes[: -len(scenes) % world_size]
    parts = [feed(make_metric(), padded[rank::world_size]).results for rank in range(world_size)]
    gathered = [element for row in zip(*parts, strict=True) for element in row][: len(scenes)]
    metric = make_metric()
    metric.dataset_meta = META
    assert metric.compute_metrics(gathered) == expected
    assert 0 < expected['AP50_3DIoU'] < 1


def test_report_has_curves_and_categories(random_scenes):
    scenes = random_scenes(5, 3, labels=2)
    metric = feed(make_metric(), scenes)
    metrics = metric.evaluate(len(scenes))
    assert set(KEYS) < set(metric.report)
    assert metric.report['AP50_3DIoU'] == metrics['AP50_3DIoU']
    assert list(metric.report['per_category']) == ['cup', 'shoe']


def test_protocols_are_exchangeable(new_scene):
    scene = new_scene().add_object(DIMS).add_prediction(DIMS).add_prediction(DIMS, score=0.2)
    tao = part('TaoProtocol', min_score=0.1)
    assert feed(make_metric(), [scene]).evaluate(1)['AP50_3DIoU'] == pytest.approx(1)
    metric = feed(make_metric(protocol=tao, tao_protocol=tao), [scene])
    metrics = metric.evaluate(1)
    assert metrics['AP50_3DIoU'] == pytest.approx(2)
    assert metrics['AP50_3DIoU_tao'] == pytest.approx(2)


def test_own_protocol_can_be_registered(new_scene):
    class Everything:
        min_score = 0.0

        def assess(self, records, symmetry, metrics):
            rules = METRICS.build(part('OneToOneProtocol', min_score=0.0))
            return rules.assess(records, symmetry, metrics)

    METRICS.register_module(module=Everything, name='EverythingProtocol')
    try:
        scene = new_scene().add_object(DIMS).add_prediction(DIMS, score=0.01)
        metric = feed(make_metric(protocol={'type': 'EverythingProtocol'}), [scene])
        assert metric.evaluate(1)['AP50_3DIoU'] == pytest.approx(1)
    finally:
        METRICS.module_dict.pop('EverythingProtocol')


def test_dump_file_holds_what_was_scored(tmp_path, random_scenes):
    scenes = random_scenes(6, 4, labels=2)
    metric = feed(make_metric(dump_file=str(tmp_path / 'dump.json')), scenes)
    metric.evaluate(len(scenes))
    records, meta = read_dump(tmp_path / 'dump.json')
    assert [record.image_name for record in records] == [scene.name for scene in scenes]
    assert meta['category'] == ('cup', 'shoe')


def test_images_without_annotation_are_refused(new_scene):
    scene = new_scene('a.png')
    sample = scene.sample
    object.__setattr__(sample, 'annotations', None)
    with raises(DataError, 'annotation', path='a.png'):
        make_metric().process({'data_samples': [sample]}, [scene.result])


@pytest.mark.parametrize('batch', [1, 4])
def test_images_that_could_not_be_read_are_left_out(random_scenes, monkeypatch, batch):
    said = []
    place = 'cpose.evaluation.objectron_metric.print_log'
    monkeypatch.setattr(place, lambda text, **_: said.append(text))
    scenes = random_scenes(9, 5, labels=2)
    expected = feed(make_metric(), scenes[1:]).evaluate(8)
    stand_in = replace(scenes[1].sample, is_replacement=True)
    with_stand_in = [SimpleNamespace(sample=stand_in, result=scenes[1].result), *scenes[1:]]
    metric = feed(make_metric(), with_stand_in, batch)
    assert len(metric.results) == 9
    found = metric.evaluate(9)
    assert found['num_images'] == 8
    assert found == pytest.approx(expected, nan_ok=True)
    assert [text[:31] for text in said] == ['1 of 9 images could not be read']


def test_missing_annotations_are_named_once(new_scene, monkeypatch):
    logged = []
    monkeypatch.setattr('cpose.evaluation.records.print_log', lambda text, **_: logged.append(text))
    scene = new_scene().add_object(DIMS).add_prediction(DIMS)
    metric = make_metric()
    for _ in range(2):
        feed(
            metric,
            [SimpleNamespace(sample=replace(scene.sample, intrinsics=None), result=scene.result)],
        )
        metric.evaluate(1)
    assert len(logged) == 1
    assert 'no camera' in logged[0]
