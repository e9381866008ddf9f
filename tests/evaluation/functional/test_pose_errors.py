import numpy as np
import pytest

from cpose.evaluation.functional.pose_errors import (
    average_distance,
    average_nearest_distance,
    mean_corner_distance,
    relative_scale_error,
)
from cpose.geometry.symmetry import relabel_cuboid
from cpose.structures.cuboid import cuboid_keypoints

CUBE = cuboid_keypoints(np.ones(3))


def test_shift_is_the_distance():
    assert average_distance(CUBE + np.array([3.0, 0, 4.0]), CUBE) == pytest.approx(5)
    assert average_nearest_distance(CUBE + np.array([0.1, 0, 0]), CUBE) == pytest.approx(0.1)


def test_only_nearest_distance_ignores_corner_names():
    turned = relabel_cuboid(CUBE, np.ones(3))[0][1]
    # The centre stays, each corner goes to its neighbour at distance 1.
    assert average_distance(turned, CUBE) == pytest.approx(8 / 9)
    assert average_nearest_distance(turned, CUBE) == pytest.approx(0)


def test_nearest_distance_runs_over_predicted_keypoints():
    # All predicted points sit at one true corner.
    collapsed = np.repeat(CUBE[1:2], 9, axis=0)
    assert average_nearest_distance(collapsed, CUBE) == 0
    assert average_nearest_distance(CUBE, collapsed) > 0.5


def test_size_error_is_relative_to_the_height():
    gt = np.array([[0.2, 0.1, 0.4]])
    assert relative_scale_error(gt * 7, gt) == pytest.approx(0)
    # Relative sizes 2, 1, 4 against 3, 1, 3.
    assert relative_scale_error(np.array([[3.0, 1, 3]]), gt) == pytest.approx(0.5 + 0.25)


def test_corner_distance_in_pixels_and_as_a_share():
    gt = np.zeros((1, 8, 2))
    pred = gt + np.array([30.0, 40.0])
    assert mean_corner_distance(pred, gt, np.ones((1, 2))) == pytest.approx(50)
    shares = mean_corner_distance(pred, gt, np.array([[300.0, 400.0]]))
    assert shares == pytest.approx(np.hypot(0.1, 0.1))
