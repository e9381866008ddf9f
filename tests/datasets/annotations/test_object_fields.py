import numpy as np
import pytest

from cpose.datasets.annotations.object_fields import (
    is_solid,
    read_class_name,
    read_keypoints_3d,
    read_symmetric,
)
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.structures.cuboid import cuboid_keypoints

from ...user_errors import raises


def item_of(**content):
    return JsonFields(content, 'a.json', 'objects[2].')


def squeezed(corner):
    """Return keypoints with one corner moved to its neighbour."""
    keypoints = cuboid_keypoints(np.array([1.0, 2.0, 3.0]))
    keypoints[corner] = keypoints[corner + 1]
    return keypoints.tolist()


@pytest.mark.parametrize(
    'keypoints',
    [
        [[0.1, 0.2, -1.0]] * 9,
        cuboid_keypoints(np.array([1.0, 0.0, 1.0])).tolist(),
        squeezed(1),
        squeezed(7),
        (cuboid_keypoints(np.ones(3)) @ np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])).tolist(),
    ],
    ids=['one point', 'flat', 'no edge at corner 1', 'no edge at corner 7', 'in one plane'],
)
def test_keypoints_span_a_cuboid(keypoints):
    assert not is_solid(np.array(keypoints)[1:])


@pytest.mark.parametrize('size', [1e-4, 1e4])
def test_thin_cuboids_are_taken(size):
    keypoints = cuboid_keypoints(size * np.array([1.0, 1e-3, 1.0])) - [0, 0, 2]
    found = read_keypoints_3d(item_of(keypoints_3d=keypoints.tolist()))
    assert is_solid(found[1:])
    np.testing.assert_array_equal(found, keypoints)


@pytest.mark.parametrize('name', ['cup', 'x' * 64, '杯'])
def test_class(name):
    assert read_class_name(item_of(**{'class': name})) == name


@pytest.mark.parametrize(
    ('name', 'fact'), [('x' * 65, '64 bytes'), ('杯' * 22, '64 bytes'), ('cup\ud800', 'UTF-8')]
)
def test_class_that_cannot_be_kept_is_refused(name, fact):
    with raises(DataError, fact, path='a.json', field='objects[2].class'):
        read_class_name(item_of(**{'class': name}))


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ({'mug': 'True'}, False),
        ({'mug': 'false'}, None),
        ({'mug': True, 'symmetric': 'True'}, True),
    ],
)
def test_flags_may_be_text(content, expected):
    assert read_symmetric(item_of(**content)) is expected


@pytest.mark.parametrize('content', [{'mug': 'yes'}, {'symmetric': 10**12}])
def test_wrong_flags_are_named(content):
    with raises(DataError, field=f'objects[2].{next(iter(content))}'):
        read_symmetric(item_of(**content))
