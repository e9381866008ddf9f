import json

import pytest

from cpose.errors import DataError
from cpose.evaluation.dump import write_dump
from cpose.evaluation.dump_reading import read_dump

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
    with pytest.raises(DataError, match=r'dump\.json is nested too deeply'):
        read_dump(tmp_path / 'dump.json')


def first(content, kind):
    return next(image[kind][0] for image in content['images'] if image[kind])


def set_field(kind, field, value):
    return lambda content: first(content, kind).__setitem__(field, value)


def set_meta(field, value):
    return lambda content: content['dataset_meta'].__setitem__(field, value)


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda c: c.__setitem__('format', 'other'), r'field format must be'),
        (lambda c: c.pop('images'), r'field images is missing'),
        (lambda c: c['dataset_meta'].pop('category'), r'field dataset_meta\.category is missing'),
        (lambda c: c['dataset_meta']['category'].append('x'), r'as many entries'),
        (set_meta('category', []), r'dataset_meta\.category must be a list of str with at least'),
        (set_meta('category', ['cup', 5]), r'dataset_meta\.category must be a list of str'),
        (set_meta('symmetry', [5, 5]), r'dataset_meta\.symmetry must be a list of dict'),
        (set_meta('symmetry', [{}, {}]), r'dataset_meta\.symmetry cannot be built'),
        (set_meta('symmetry', [{'type': 'NoSymetry'}] * 2), r'Nearest known: NoSymmetry'),
        (
            set_meta('symmetry', [{'type': 'RotationalSymmetry', 'steps': 3}] * 2),
            r"symmetry cannot be built .*'steps'",
        ),
        (set_meta('eval_num_symmetry', [None, 1]), r'eval_num_symmetry must be a list of int'),
        (lambda c: c['images'].__setitem__(3, 7), r'images\[3\] is int, expected an object'),
        (lambda c: c['images'][2].__setitem__('image_wh', [1]), r'images\[2\]\.image_wh must be 2'),
        (set_field('predictions', 'score', 'high'), r"predictions\[0\]\.score .* 'high'"),
        (set_field('predictions', 'keypoints_gl', [[0]]), r'keypoints_gl must be 9×3'),
        (set_field('objects', 'label', 2), r'objects has a label outside 0 to 1'),
        (set_field('objects', 'symmetric', 'yes'), r"objects\[0\]\.symmetric must be .* 'yes'"),
        (set_field('objects', 'visibility', None), r'visibility must be one finite number'),
    ],
)
def test_damaged_files_are_refused_by_field(dump, damage, message):
    content = json.loads(dump.read_text())
    damage(content)
    dump.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message) as error:
        read_dump(dump)
    assert str(dump) in str(error.value)
