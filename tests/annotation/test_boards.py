import re

import cv2
import numpy as np
import pytest

from cpose.annotation.board_page import page_size_mm, write_board
from cpose.errors import ConfigError, OutputError
from cpose.files.outputs import is_own_file, outputs_guarded
from cpose.metric_scale.boards import Board

from ..user_errors import raises
from .board_pictures import DISTORTION, INTRINSICS, draw_view

CHESSBOARD = Board('chessboard', (9, 6), 25.0)
ARUCO = Board('aruco', (5, 4), 40.0, 30.0)
POINTS_PER_MM = 72 / 25.4


def page_of_pdf(path):
    box = re.search(rb'/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)', path.read_bytes())
    return tuple(float(side) / POINTS_PER_MM for side in box.groups())


@pytest.mark.parametrize(
    ('board', 'page'),
    [
        (Board(), (297, 210)),
        (CHESSBOARD, (297, 210)),
        (Board(squares=(5, 7)), (210, 297)),
        (Board(squares=(10, 7), square_mm=36), (420, 297)),
        (Board(squares=(20, 10), square_mm=100), (2020, 1028)),
    ],
)
def test_a_page_has_the_size_of_paper(board, page, tmp_path):
    assert page_size_mm(board) == page
    write_board(tmp_path / 'a.pdf', board, 60)
    assert np.allclose(page_of_pdf(tmp_path / 'a.pdf'), page, atol=0.05)


@pytest.mark.parametrize('board', [Board(), CHESSBOARD, ARUCO], ids=lambda board: board.kind)
def test_a_board_is_printed_in_true_size(board, tmp_path):
    write_board(tmp_path / 'a.png', board, 254)
    page = cv2.imread(str(tmp_path / 'a.png'))
    assert page.shape == (2100, 2970, 3)
    ids, points = board.find(page)
    assert len(ids) == len(board.corners_mm)
    turn = np.sign(points[-1, 0] - points[0, 0])
    offset = points / 10 - turn * board.corners_mm[ids, :2]
    assert np.ptp(offset, axis=0).max() < 0.15  # mm; a pixel is 0.1
    assert (page[-400:, :, 0] < 128).any()  # the text


def test_boards_are_found_at_the_right_place():
    for board in (Board(), CHESSBOARD):
        ids, points = board.find(draw_view(board, (0, 0), (0, 0)))
        order = points[np.argsort(ids)].reshape(board.squares[1] - 1, board.squares[0] - 1, 2)
        steps = np.diff(order, axis=1)[..., 0]
        assert (steps > 0).all() or (steps < 0).all()


def test_part_of_a_charuco_board_is_enough():
    picture = draw_view(Board(), (0, 0), (0, 0))
    picture[:, :430] = 0
    ids, points = Board().find(picture)
    assert 6 <= len(ids) < 24
    assert (points[:, 0] > 430).all()


def test_markers_are_found_at_the_right_place():
    ids, points = ARUCO.find(draw_view(ARUCO, (0, 0), (0, 0), distance=500.0))
    assert len(ids) == 80
    middle = np.array([*ARUCO.size_mm, 0.0]) / 2
    seen = ARUCO.corners_mm[ids] - middle + (0.0, 0.0, 500.0)
    expected, _ = cv2.projectPoints(seen, np.zeros(3), np.zeros(3), INTRINSICS, DISTORTION)
    assert np.abs(points - expected[:, 0]).max() < 1
    hidden = draw_view(ARUCO, (0, 0), (0, 0))
    hidden[:, 400:] = 0
    assert 4 < len(ARUCO.find(hidden)[0]) < 40


def test_no_board_is_found_where_there_is_none():
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    for board in (Board(), CHESSBOARD, ARUCO):
        for picture in (noise, np.zeros((40, 30, 3), np.uint8)):
            ids, points = board.find(picture)
            assert ids.shape == (0,)
            assert points.shape == (0, 2)


@pytest.mark.parametrize(
    ('settings', 'argument'),
    [
        ({'kind': 'circles'}, 'kind'),
        ({'squares': (3, 5)}, 'squares'),
        ({'squares': (5, 101)}, 'squares'),
        ({'squares': (30, 30)}, 'squares'),
        ({'kind': 'aruco', 'squares': (20, 20)}, 'squares'),
        ({'square_mm': 0.5}, 'square_mm'),
        ({'marker_mm': 28.0}, 'marker_mm'),
        ({'marker_mm': 0.0}, 'marker_mm'),
    ],
)
def test_sizes_that_make_no_board_are_refused(settings, argument):
    with raises(ConfigError, argument=argument):
        Board(**settings)


@pytest.mark.parametrize('dpi', [10, 3000])
def test_a_resolution_out_of_range_is_refused(dpi, tmp_path):
    with raises(ConfigError, argument='dpi', value=dpi):
        write_board(tmp_path / 'a.pdf', Board(), dpi)


def test_a_page_of_too_many_pixels_is_refused(tmp_path):
    with raises(ConfigError, argument='dpi'):
        write_board(tmp_path / 'a.pdf', Board(squares=(20, 20), square_mm=100), 300)


def test_other_endings_are_refused(tmp_path):
    with raises(ConfigError, argument='out'):
        write_board(tmp_path / 'a.svg', Board())


@pytest.mark.parametrize('name', ['a.pdf', 'a.png'])
def test_files_of_others_are_only_replaced_by_order(name, tmp_path):
    (tmp_path / name).write_bytes(b'mine')
    with outputs_guarded(), raises(OutputError, path=tmp_path / name):
        write_board(tmp_path / name, Board(), 60)
    assert (tmp_path / name).read_bytes() == b'mine'
    with outputs_guarded(may_replace=True):
        write_board(tmp_path / name, Board(), 60)
    assert is_own_file(tmp_path / name)
    with outputs_guarded():
        write_board(tmp_path / name, CHESSBOARD, 60)
