import numpy as np
import pytest

from cpose.evaluation.protocols.scale_rules import ground_plane_scale, height_scale
from cpose.structures.cuboid import cuboid_keypoints

BOX = cuboid_keypoints(np.array([0.2, 0.1, 0.3])) + np.array([0.3, 0.05 - 0.7, -2.0])
"""Stands on the plane y = −0.7."""

PLANE = np.array([[5.0, -0.7, 9.0], [0.0, 2.0, 0.0]])
NO_PLANE = np.full((2, 3), np.nan)


def test_plane_gives_the_metric_size():
    factors = ground_plane_scale(np.stack([BOX, BOX * 10]), np.stack([PLANE, PLANE]))
    np.testing.assert_allclose(factors, [1, 0.1])


def test_factors_of_the_four_lowest_corners_are_averaged():
    tilted = BOX.copy()
    # The lowest corners (1, 2, 5, 6) at 1, 1, 2 and 4 times the depth of the plane.
    tilted[[1, 2, 5, 6], 1] = [-0.7, -0.7, -1.4, -2.8]
    factor = ground_plane_scale(tilted[None], PLANE[None])
    assert factor == pytest.approx((1 + 1 + 0.5 + 0.25) / 4)


def test_without_a_plane_there_is_no_factor():
    level = np.zeros((9, 3)) + np.array([0.0, 0.0, -1.0])
    factors = ground_plane_scale(np.stack([BOX, level]), np.stack([NO_PLANE, PLANE]))
    assert np.isnan(factors).all()


def test_height_scale_equals_ratio_of_heights():
    assert height_scale(BOX[None] * 4, BOX[None]) == pytest.approx(0.25)
