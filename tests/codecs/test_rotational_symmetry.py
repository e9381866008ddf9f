import numpy as np
import pytest

from cpose.codecs.symmetries import RotationalSymmetry
from cpose.errors import ConfigError
from cpose.registry import SYMMETRIES
from cpose.structures.cuboid import cuboid_keypoints

from ..user_errors import raises

DIMS = np.array([0.3, 0.5, 0.2])


def test_candidates_turn_about_y():
    keypoints = cuboid_keypoints(DIMS)
    points, dims = RotationalSymmetry(order=4).candidates(keypoints, DIMS)
    np.testing.assert_array_equal(points[0], keypoints)
    quarter = keypoints @ np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(points[1], quarter, atol=1e-12)
    np.testing.assert_array_equal(dims, np.tile(DIMS, (4, 1)))


def test_group_is_closed():
    symmetry = RotationalSymmetry(order=12)
    points, dims = symmetry.candidates(cuboid_keypoints(DIMS), DIMS)
    again, _ = symmetry.candidates(points[5], dims[5])
    np.testing.assert_allclose(again, np.roll(points, -5, axis=0), atol=1e-12)


@pytest.mark.parametrize('order', [0, -2, 1.5, True, '4'])
def test_order_must_be_a_positive_number(order):
    with raises(ConfigError, '360', argument='order', value=order):
        RotationalSymmetry(order=order)


def test_registered():
    assert SYMMETRIES.build({'type': 'RotationalSymmetry'}).order == 12
