import json
from pathlib import Path

import pytest

from cpose.errors import DataError
from cpose.evaluation.dump import write_dump
from cpose.evaluation.dump_reading import read_dump

from ..user_errors import raises

ATTACKS = Path(__file__).parents[1] / 'data' / 'attacks'
META = {
    'category': ('cup', 'shoe'),
    'symmetry': ({'type': 'NoSymmetry'}, {'type': 'CuboidSymmetry'}),
    'eval_num_symmetry': (12, 1),
}


@pytest.fixture
def dump(tmp_path, random_scenes, new_record):
    records = [new_record(scene) for scene in random_scenes(10, 0, labels=2)]
    write_dump(tmp_path / 'dump.json', records, META)
    return tmp_path / 'dump.json'


def test_deep_nesting_is_refused(tmp_path):
    (tmp_path / 'dump.json').write_text('[' * 100_000 + ']' * 100_000)
    with raises(DataError, 'nested', path=tmp_path / 'dump.json'):
        read_dump(tmp_path / 'dump.json')


@pytest.mark.parametrize('file', sorted(ATTACKS.glob('dump_*.json')), ids=lambda file: file.stem)
def test_files_made_to_harm(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with raises(DataError, path=file):
        read_dump(file)
    assert not list(tmp_path.iterdir())


def first(content, kind):
    return next(image[kind][0] for image in content['images'] if image[kind])


def set_field(kind, field, value):
    return lambda content: first(content, kind).__setitem__(field, value)


def set_meta(field, value):
    return lambda content: content['dataset_meta'].__setitem__(field, value)


@pytest.mark.parametrize(
    ('damage', 'field', 'problem'),
    [
        (lambda c: c.__setitem__('format', 'other'), 'format', 'cpose-predictions'),
        (lambda c: c.pop('images'), 'images', 'missing'),
        (lambda c: c['dataset_meta'].pop('category'), 'dataset_meta.category', 'missing'),
        (lambda c: c['dataset_meta']['category'].append('x'), 'dataset_meta.category', 'entries'),
        (set_meta('category', []), 'dataset_meta.category', 'list of str with at least one'),
        (set_meta('category', ['cup', 5]), 'dataset_meta.category', 'list of str'),
        (set_meta('symmetry', [5, 5]), 'dataset_meta.symmetry', 'list of dict'),
        (set_meta('symmetry', [{}, {}]), 'dataset_meta.symmetry', 'cannot be built'),
        (set_meta('symmetry', [{'type': 'NoSymetry'}] * 2), 'dataset_meta.symmetry', 'NoSymmetry'),
        (
            set_meta('symmetry', [{'type': 'RotationalSymmetry', 'steps': 3}] * 2),
            'dataset_meta.symmetry',
            "'steps'",
        ),
        (
            set_meta('symmetry', [{'type': 'os.system', 'command': 'x'}] * 2),
            'dataset_meta.symmetry',
            'os.system',
        ),
        (set_meta('symmetry', [{'type': 'os'}] * 2), 'dataset_meta.symmetry', "'os'"),
        (set_meta('symmetry', [{'type': ['os']}] * 2), 'dataset_meta.symmetry', 'cannot be built'),
        (set_meta('eval_num_symmetry', [10**30, 1]), 'dataset_meta.symmetry', '3600'),
        (set_field('predictions', 'score', 10**400), 'predictions[0].score', 'one finite'),
        (set_meta('eval_num_symmetry', [None, 1]), 'dataset_meta.eval_num_symmetry', 'of int'),
        (lambda c: c['images'].__setitem__(3, 7), 'images[3]', 'is int'),
        (lambda c: c['images'][2].__setitem__('image_wh', [1]), 'images[2].image_wh', 'be 2'),
        (lambda c: c['images'][2].__setitem__('image_wh', [1e300, 1]), 'images[2].image_wh', 'be'),
        (set_field('predictions', 'score', 'high'), 'predictions[0].score', 'number'),
        (set_field('predictions', 'keypoints_gl', [[0]]), 'predictions[0].keypoints_gl', '9×3'),
        (set_field('objects', 'label', 2), 'objects', 'outside 0 to 1'),
        (set_field('objects', 'symmetric', 'yes'), 'objects[0].symmetric', 'true, false'),
        (set_field('objects', 'visibility', None), 'objects[0].visibility', 'one finite number'),
    ],
)
def test_damaged_files_are_refused_by_field(dump, damage, field, problem):
    content = json.loads(dump.read_text())
    damage(content)
    dump.write_text(json.dumps(content))
    with raises(DataError, problem, path=dump) as caught:
        read_dump(dump)
    assert caught.value.place.field.endswith(field)
