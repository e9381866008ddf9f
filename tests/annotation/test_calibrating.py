from functools import cache

import cv2
import numpy as np
import pytest

from cpose.annotation.board_views import MOST_VIEWS, View, choose_views, find_views
from cpose.annotation.calibrating import calibrate, check_yaml_name, write_camera
from cpose.apis.inference.camera_io import read_camera_file
from cpose.apis.inference.image_sources import read_images
from cpose.errors import ConfigError, DataError
from cpose.metric_scale.boards import Board

from ..user_errors import raises
from .board_pictures import DISTORTION, IMAGE_WH, INTRINSICS, draw_view, draw_views

CHARUCO, CHESSBOARD = Board(), Board('chessboard', (9, 6), 25.0)
NEAR = 400.0
"""Millimetres; the board fills most of the image."""


@cache
def views_of(board):
    return tuple(find_views(read_images(draw_views(board)), board))


def exact_view(board, turn, shift, seed=0, noise=0.05):
    """Return where all corners are, with noise, pixels."""
    points, _ = cv2.projectPoints(
        board.corners_mm, np.radians(turn), np.array(shift, float), INTRINSICS, DISTORTION
    )
    points = points.reshape(-1, 2) + np.random.default_rng(seed).normal(0, noise, (1, 2))
    ids = np.arange(len(points))
    return View(f'frame#{seed}', IMAGE_WH, ids, points.astype(np.float32))


@pytest.mark.parametrize('board', [CHARUCO, CHESSBOARD], ids=lambda board: board.kind)
def test_the_camera_of_rendered_boards_is_found(board, tmp_path):
    found = calibrate(views_of(board), board, 'folder')
    focal = found.intrinsics[[0, 1], [0, 1]] / INTRINSICS[[0, 1], [0, 1]]
    assert np.abs(focal - 1).max() < 0.004
    assert np.abs(found.intrinsics[:2, 2] - INTRINSICS[:2, 2]).max() < 1.5
    assert found.rms < 0.12
    assert found.tilt > 60
    pixels = np.array([[60.0, 60.0], [740.0, 60.0], [740.0, 540.0], [60.0, 540.0]])[:, None]
    rays = cv2.undistortPoints(pixels, INTRINSICS, DISTORTION)
    ours, _ = cv2.projectPoints(
        cv2.convertPointsToHomogeneous(rays),
        *np.zeros((2, 3)),
        found.intrinsics,
        found.distortion,
    )
    assert np.abs(ours - pixels).max() < 3  # pixels, where no corner was seen
    write_camera(tmp_path / 'camera.yaml', found)
    camera = read_camera_file(tmp_path / 'camera.yaml')
    assert np.array_equal(camera.intrinsics, found.intrinsics)
    assert np.array_equal(camera.distortion, found.distortion)
    assert camera.image_wh == IMAGE_WH
    assert camera.find_oddity(IMAGE_WH) == ''


def test_a_view_that_fits_badly_is_left_out():
    views = list(views_of(CHARUCO))
    rng = np.random.default_rng(0)
    blurred = views[3].points + rng.normal(0, 2, views[3].points.shape).astype(np.float32)
    views[3] = View('blurred.png', IMAGE_WH, views[3].ids, blurred)
    found = calibrate(views, CHARUCO, 'folder')
    assert [view.path for view in found.left_out] == ['blurred.png']
    assert found.left_out[0].residual > 1
    assert len(found.views) == len(views) - 1
    assert abs(found.intrinsics[0, 0] / INTRINSICS[0, 0] - 1) < 0.005


@pytest.mark.parametrize('tilt', [(0, 0), (30, 0)])
def test_views_of_one_tilt_are_told(tilt):
    pictures = draw_views(CHARUCO, [tilt] * 6)
    found = calibrate(find_views(read_images(pictures), CHARUCO), CHARUCO, 'folder')
    assert found.tilt < 20
    assert 'too alike' in found.doubts()[0]


def test_good_views_leave_no_doubt():
    turns = [(30, 0, 0), (-30, 0, 0), (0, 30, 0), (0, -30, 0), (25, 25, 0), (-25, 25, 0)]
    views = [
        exact_view(CHARUCO, turn, (-90 + 130 * (-1) ** k, -80 + 80 * (-1) ** (k // 2), NEAR), k)
        for k, turn in enumerate(turns)
    ]
    assert calibrate(views, CHARUCO, 'folder').doubts() == []


def test_a_small_part_of_the_image_is_told():
    views = [
        exact_view(CHARUCO, turn, (-105, -75, 1500.0), seed)
        for seed, turn in enumerate([(35, 0, 0), (-35, 0, 0), (0, 35, 0), (0, -35, 0)])
    ]
    found = calibrate(views, CHARUCO, 'folder')
    assert found.coverage < 0.2
    assert '% of the image' in found.doubts()[-1]


def test_of_many_views_those_that_differ_most_are_used():
    rng = np.random.default_rng(1)
    turns = rng.uniform(-35, 35, (3 * MOST_VIEWS, 3))
    views = [exact_view(CHARUCO, turn, (-105, -75, 600), k) for k, turn in enumerate(turns)]
    chosen = choose_views(views, CHARUCO)
    assert len(chosen) == MOST_VIEWS
    assert [view.path for view in chosen] == sorted(
        (view.path for view in chosen), key=lambda path: int(path.partition('#')[2])
    )
    assert len(choose_views([views[0]] * 5 + [views[1]], CHARUCO)) == 2


def test_every_nth_frame_of_a_video_is_looked_at(tmp_path):
    path = tmp_path / 'a.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 25.0, IMAGE_WH)
    picture = draw_view(CHARUCO, (0, 0), (0, 0))
    for _ in range(7):
        writer.write(picture)
    writer.release()
    views = find_views(read_images(path), CHARUCO, 3)
    assert [view.path for view in views] == [f'{path}#{number}' for number in (0, 3, 6)]
    assert all(len(view.ids) == 24 for view in views)


def test_pictures_without_the_board_are_refused():
    blank = np.zeros((60, 80, 3), np.uint8)
    views = find_views(read_images([blank] * 5), CHARUCO)
    with raises(DataError, 'none of 5', path='folder'):
        calibrate(views, CHARUCO, 'folder')


@pytest.mark.parametrize('count', [1, 3])
def test_too_few_views_are_refused(count):
    with raises(DataError, f': {count} of the 4', path='folder'):
        calibrate(views_of(CHARUCO)[:count], CHARUCO, 'folder')


def test_the_same_view_over_and_over_is_refused():
    with raises(DataError, ': 1 of the 4', path='folder'):
        calibrate([views_of(CHARUCO)[0]] * 10, CHARUCO, 'folder')


def test_pictures_of_another_size_are_refused():
    views = list(views_of(CHARUCO))
    views[5] = View('turned.jpg', IMAGE_WH[::-1], views[5].ids, views[5].points)
    with raises(DataError, '600×800', path='turned.jpg'):
        calibrate(views, CHARUCO, 'folder')


def test_a_camera_file_is_yaml():
    check_yaml_name('a.YML')
    with raises(ConfigError, argument='out', value='a.json'):
        check_yaml_name('a.json')
