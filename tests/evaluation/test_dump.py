import json

import numpy as np
import pytest

from cpose.errors import ConfigError, DataError
from cpose.evaluation.dump import evaluate_dump, write_dump
from cpose.evaluation.dump_reading import read_dump
from cpose.evaluation.protocols.one_to_one_protocol import OneToOneProtocol
from cpose.evaluation.protocols.tao_protocol import TaoProtocol
from cpose.evaluation.records import record_to_arrays
from cpose.evaluation.score_report import build_report

from ..shipped_parts import part, settings
from ..user_errors import raises

PROTOCOL = settings('OneToOneProtocol')
META = {
    'category': ('cup', 'shoe'),
    'symmetry': ({'type': 'NoSymmetry'}, {'type': 'CuboidSymmetry'}),
    'eval_num_symmetry': (12, 1),
}


def score(file, eval_num_symmetry=None, **changes):
    rules = part('OneToOneProtocol', **changes)
    return evaluate_dump(file, rules, part('TaoProtocol'), eval_num_symmetry)


@pytest.fixture
def records(random_scenes, new_record):
    return [new_record(scene) for scene in random_scenes(10, 0, labels=2)]


@pytest.fixture
def dump(tmp_path, records):
    write_dump(tmp_path / 'dump.json', records, META)
    return tmp_path / 'dump.json'


def test_everything_survives(dump, records):
    read, meta = read_dump(dump)
    assert meta == META
    for before, after in zip(records, read, strict=True):
        np.testing.assert_equal(record_to_arrays(after), record_to_arrays(before))


def test_annotated_symmetry_survives(tmp_path, new_scene, new_record):
    scene, path = new_scene(), tmp_path / 'dump.json'
    values = [None, True, False, 12]
    for symmetric in values:
        scene.add_object((0.1, 0.1, 0.1), symmetric=symmetric)
    write_dump(path, [new_record(scene)], None)
    content = json.loads(path.read_text())
    objects = content['images'][0]['objects']
    assert [item.get('symmetric') for item in objects] == values
    assert 'symmetric' not in objects[0]
    assert read_dump(path)[0][0].symmetric.tolist() == [-1, -2, 0, 12]


@pytest.mark.parametrize('values', [[0.25, None], [[1.0, 2.0], None], [None, None]])
def test_extras_survive(tmp_path, new_scene, new_record, values):
    scene, path = new_scene(), tmp_path / 'dump.json'
    for _ in values:
        scene.add_object((0.1, 0.1, 0.1)).add_prediction((0.1, 0.1, 0.1))
    shape = np.shape(values[0])
    extras = {
        'handle': np.array([np.full(shape, np.nan) if v is None else v for v in values], float)
    }
    record = new_record(scene)
    object.__setattr__(record.predictions, 'extras', extras)
    write_dump(path, [record], None)
    image = json.loads(path.read_text())['images'][0]
    assert [entry['extras'] for entry in image['predictions']] == [{'handle': v} for v in values]
    assert 'extras' not in image['objects'][0]
    read = read_dump(path)[0][0]
    np.testing.assert_equal(read.predictions.extras, extras)
    assert read.annotations.extras == {}


@pytest.mark.parametrize(
    'extras', [{'handle': 'left'}, {'handle': [[1], [2, 3]]}, {'handle': {}}, [1], {}]
)
def test_extras_are_numbers(tmp_path, new_scene, new_record, extras):
    scene, path = new_scene(), tmp_path / 'dump.json'
    for _ in range(2):
        scene.add_prediction((0.1, 0.1, 0.1))
    record = new_record(scene)
    object.__setattr__(record.predictions, 'extras', {'handle': np.zeros(2)})
    write_dump(path, [record], None)
    content = json.loads(path.read_text())
    content['images'][0]['predictions'][1]['extras'] = extras
    path.write_text(json.dumps(content))
    with raises(DataError, path=path) as caught:
        read_dump(path)
    assert 'predictions[1].extras' in caught.value.place.field


def test_scores_are_the_same_as_without_the_file(dump, records):
    direct = build_report(
        records,
        META,
        OneToOneProtocol(**PROTOCOL),
        TaoProtocol(**settings('TaoProtocol')),
    )
    np.testing.assert_equal(score(dump), direct)
    assert 0 < direct['AP50_3DIoU'] < 1


def test_number_of_rotations_and_rules_can_be_changed(dump):
    original = score(dump)
    assert score(dump, 100)['mean_azimuth_deg'] < original['mean_azimuth_deg']
    strict = score(dump, min_score=0.99)
    assert strict['AP50_3DIoU'] < original['AP50_3DIoU']
    assert strict['AP50_3DIoU_tao'] == original['AP50_3DIoU_tao']
    with raises(ConfigError, argument='metainfo.eval_num_symmetry', value=0):
        score(dump, 0)


def test_failed_poses_are_null(tmp_path, new_scene, new_record):
    path = tmp_path / 'dump.json'
    write_dump(path, [new_record(new_scene().add_failure())], None)
    entry = json.loads(path.read_text())['images'][0]['predictions'][0]
    assert entry['keypoints_gl'] is None
    assert not read_dump(path)[0][0].predictions.has_pose.any()


def test_no_images(tmp_path):
    write_dump(tmp_path / 'dump.json', [], None)
    records, meta = read_dump(tmp_path / 'dump.json')
    assert records == []
    assert meta['category'] == ('object',)
    assert score(tmp_path / 'dump.json')['num_images'] == 0
