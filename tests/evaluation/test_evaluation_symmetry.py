import numpy as np
import pytest

from cpose.errors import ConfigError
from cpose.evaluation.evaluation_symmetry import build_evaluation_symmetry
from cpose.geometry.symmetry import relabel_cuboid
from cpose.structures.cuboid import cuboid_keypoints

from ..user_errors import raises


@pytest.mark.parametrize(
    ('symmetry', 'num_rotations', 'num_names', 'period'),
    [
        (None, 1, 1, 360),
        ({'type': 'NoSymmetry'}, 100, 1, 3.6),
        ({'type': 'RotationalSymmetry', 'order': 12}, 1, 1, 360),
        ({'type': 'RotationalSymmetry', 'order': 12}, 12, 1, 30),
        ({'type': 'CuboidSymmetry'}, 1, 4, 90),
        ({'type': 'CuboidSymmetry'}, 6, 4, 30),
    ],
)
def test_names_and_period(symmetry, num_rotations, num_names, period):
    built = build_evaluation_symmetry(symmetry, num_rotations)
    assert built.keypoint_orders.shape == (num_names, 9)
    assert built.azimuth_period_deg == pytest.approx(period)
    assert built.keypoint_orders[0].tolist() == list(range(9))


def test_orders_are_those_of_the_symmetry():
    dims = np.array([3.0, 1.0, 7.0])
    points = cuboid_keypoints(dims)
    built = build_evaluation_symmetry({'type': 'CuboidSymmetry'})
    keypoints, exchanged = relabel_cuboid(points, dims)
    np.testing.assert_array_equal(points[built.keypoint_orders], keypoints)
    np.testing.assert_array_equal(dims[built.axis_orders], exchanged)


def test_objects_have_their_own_symmetry():
    category = build_evaluation_symmetry({'type': 'CuboidSymmetry'}, 100)
    found = list(category.by_object(np.array([-1, 0, 12, -2, 12])))
    assert [numbers.tolist() for _, numbers in found] == [[0, 3], [1], [2, 4]]
    assert found[0][0] is category
    assert [len(own.keypoint_orders) for own, _ in found] == [4, 1, 1]
    assert [own.num_rotations for own, _ in found] == [100, 1, 12]


@pytest.mark.parametrize('count', [0, -1, 1.5, '3', True, None])
def test_bad_number_of_rotations_is_refused(count):
    with raises(ConfigError, argument='metainfo.eval_num_symmetry', value=count):
        build_evaluation_symmetry(None, count)


def test_unknown_symmetry_names_the_nearest():
    with raises(ConfigError, argument='metainfo.symmetry.type', value='CuboidSymetry') as caught:
        build_evaluation_symmetry({'type': 'CuboidSymetry'})
    assert 'CuboidSymmetry' in caught.value.advice[0]
