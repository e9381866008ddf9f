import cv2
import numpy as np
import pytest

from cpose.errors import ConfigError
from cpose.metric_scale.board_pose import LEAST_PIXEL_STD, pose_corners, read_pattern
from cpose.metric_scale.boards import Board

from ..user_errors import raises

INTRINSICS = np.array([[600.0, 0.0, 320.0], [0.0, 640.0, 240.0], [0.0, 0.0, 1.0]])
LENS = np.array([-0.25, 0.08, 0.001, -0.002, 0.0])
BOARD = Board()
NEAR = np.array([0.6, -0.3, 0.1, -0.08, -0.06, 0.35])
FAR = np.array([0.15, 0.0, 0.0, -0.1, -0.07, 4.0])


def see(pose, lens, noise=0.0, seed=0):
    points = cv2.projectPoints(BOARD.corners_mm / 1000, pose[:3], pose[3:], INTRINSICS, lens)[0]
    points = points.reshape(-1, 2)
    return points + np.random.default_rng(seed).normal(0, noise, points.shape)


@pytest.mark.parametrize('lens', [None, LENS], ids=['pinhole', 'lens'])
def test_exact_corners_give_the_pose(lens):
    found = pose_corners(BOARD.corners_mm, see(NEAR, lens), INTRINSICS, lens)
    np.testing.assert_allclose(found.pose, NEAR, atol=1e-5)
    np.testing.assert_allclose(found.cv_from_board[:3, 3], NEAR[3:], atol=1e-5)
    np.testing.assert_allclose(found.cv_from_board[:3, :3], cv2.Rodrigues(NEAR[:3])[0], atol=1e-5)
    assert found.residual_px < 1e-3
    np.testing.assert_allclose(found.covariance, LEAST_PIXEL_STD**2 * found.unit_covariance)


def test_certainty_is_that_of_noisy_corners():
    noise = 0.5
    found = [
        pose_corners(BOARD.corners_mm, see(NEAR, LENS, noise, seed), INTRINSICS, LENS)
        for seed in range(60)
    ]
    spread = np.std([item.pose for item in found], axis=0)
    told = np.sqrt(np.mean([np.diag(item.covariance) for item in found], axis=0))
    np.testing.assert_allclose(told, spread, rtol=0.35)
    assert np.mean([item.std_px for item in found]) == pytest.approx(noise, rel=0.05)
    assert np.mean([item.residual_px for item in found]) == pytest.approx(
        noise * np.sqrt(2), rel=0.1
    )


def test_a_board_seen_small_has_a_rival():
    far, near = (
        pose_corners(BOARD.corners_mm, see(pose, None, 0.2), INTRINSICS, None)
        for pose in (FAR, NEAR)
    )
    assert far.residual_px <= far.rival_px < 1.6 * far.residual_px
    assert near.rival_px > 20 * near.residual_px


def test_corners_outside_of_the_lens_are_not_posed():
    barrel = np.array([-0.25, 0.0, 0.0, 0.0, 0.0])  # folds back at 460 pixels from the middle
    points = see(NEAR, None) + 1000
    assert pose_corners(BOARD.corners_mm, points, INTRINSICS, barrel) is None


def test_a_wrong_length_is_named():
    board = {'kind': 'charuco', 'squares': [7, 5], 'marker_mm': -22, 'square_mm': 30}
    with raises(ConfigError, argument='marker_mm', value=-22):
        read_pattern(board)
