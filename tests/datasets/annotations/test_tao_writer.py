import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cpose.codecs.symmetries import NoSymmetry
from cpose.datasets.annotations.annotation import parse_annotation, read_annotation
from cpose.datasets.annotations.tao_writer import build_annotation, write_record
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.errors import OutputError

from ...user_errors import raises

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope='module')
def record():
    return SyntheticCuboidDataset(4, image_wh=(160, 120), objects=(2, 2), seed=6).load_record(1)


@pytest.fixture
def real_annotation():
    folder = os.environ.get('CPOSE_SHARED_DATA', REPOSITORY.parent / 'shared' / 'data')
    files = sorted(Path(folder, 'real_boxes').glob('*.json'))
    if not files:
        pytest.skip('needs annotated photographs; CPOSE_SHARED_DATA names their folder')
    return json.loads(files[0].read_text())


def shape_of(value):
    """Return the structure of parsed JSON: keys, lengths of lists, kinds of values."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    return 'number' if isinstance(value, int | float) else type(value).__name__


def test_what_is_written_is_what_is_read(record, tmp_path):
    path = write_record(record, tmp_path, 'first', ('box',))
    found = read_annotation(path.with_suffix('.json'))
    annotations = record.annotations
    np.testing.assert_array_equal(found.cuboids.keypoints_gl, annotations.keypoints_gl)
    np.testing.assert_array_equal(found.cuboids.keypoints_image, annotations.keypoints_image)
    np.testing.assert_array_equal(found.cuboids.dims_metric, annotations.dims_metric)
    np.testing.assert_array_equal(found.cuboids.plane_gl, annotations.plane_gl)
    np.testing.assert_array_equal(found.cuboids.visibility, annotations.visibility)
    np.testing.assert_array_equal(found.intrinsics, record.intrinsics)
    np.testing.assert_allclose(found.projection, record.intrinsics, atol=1e-9)
    assert found.image_wh == (160, 120)
    assert found.class_names == ('box', 'box')
    assert found.symmetric == (True, True)
    image = cv2.imread(str(path))
    assert np.abs(image.astype(int) - record.image).mean() < 6


def test_location_and_quaternion_give_the_keypoints(record):
    content = build_annotation(record, ('box',))
    for item in content['objects']:
        del item['keypoints_3d']
    found = parse_annotation(json.loads(json.dumps(content)), 'rebuilt')
    np.testing.assert_allclose(
        found.cuboids.keypoints_gl, record.annotations.keypoints_gl, atol=1e-9
    )


def test_objects_without_symmetry_say_so(record):
    plain = replace(record, symmetries=[NoSymmetry()] * 2)
    content = build_annotation(plain, ('box',))
    assert [item['symmetric'] for item in content['objects']] == [False, False]


def test_structure_is_that_of_a_real_annotation(record, real_annotation):
    content = json.loads(json.dumps(build_annotation(record, ('box',))))
    found, expected = shape_of(content), shape_of(real_annotation)
    expected['objects'] = [{**expected['objects'][0], 'symmetric': 'number'}] * 2
    assert found == expected


def test_same_record_same_bytes_and_no_leftovers(record, tmp_path):
    names = ('first', 'second')
    for name in names:
        write_record(record, tmp_path, name, ('box',))
    for suffix in ('.jpg', '.json'):
        first, second = (tmp_path.joinpath(name + suffix).read_bytes() for name in names)
        assert first == second
    assert len(list(tmp_path.iterdir())) == 4


def test_missing_folder_is_reported(record, tmp_path):
    with raises(OutputError, 'No such file'):
        write_record(record, tmp_path / 'nowhere', 'first', ('box',))
