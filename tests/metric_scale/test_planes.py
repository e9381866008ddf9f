import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.accuracy.metric_scenes import make_scene
from cpose.errors import ConfigError, DataError
from cpose.geometry.projection import project_points
from cpose.metric_scale.board_pose import SingleMarker, find_board_pose, read_pattern
from cpose.metric_scale.metric_poses import MetricScaling
from cpose.metric_scale.planes import CameraHeight
from cpose.structures.camera import intrinsic_matrix

from ..user_errors import raises

CAMERA = intrinsic_matrix(600, 610, 330, 230)


def scaled(config, scene):
    return MetricScaling(config).apply(scene.result, scene).poses[0]


@pytest.mark.parametrize('number', [8, 11])
def test_a_board_in_a_rendered_picture_tells_the_distance(number, tmp_path):
    scene = make_scene(number)
    board = {
        'kind': 'charuco', 'squares': scene.board.squares, 'square_mm': scene.board.square_mm,
        'marker_mm': scene.board.marker_mm,
    }  # fmt: skip
    (tmp_path / 'board.json').write_text(json.dumps(board))
    pose = scaled({'type': 'MarkerBoard', 'board': tmp_path / 'board.json'}, scene)
    np.testing.assert_allclose(pose.location_cv, scene.location_cv, rtol=0.02)
    gap = np.abs(pose.location_cv - scene.location_cv)
    assert (gap < 4 * pose.metric_scale.location_std + 1e-4).all()
    assert pose.metric_scale.source == 'marker'


def test_without_the_board_it_says_so():
    scene = make_scene(8)
    marker = {'type': 'MarkerBoard', 'board': {'kind': 'marker', 'id': 200, 'marker_mm': 40}}
    pose = scaled(marker, scene)
    assert pose.metric_scale.failure == 'the marker is not seen'
    np.testing.assert_array_equal(pose.location_cv, scene.pose.location_cv)


def test_a_single_marker_is_found_where_it_is():
    """Drawn through a known camera; height and normal of its plane come out."""
    marker = SingleMarker(7, 80.0)
    turn, shift = np.array([0.7, 0.2, -0.1]), np.array([-0.05, 0.02, 0.6])
    corners = cv2.Rodrigues(turn)[0] @ (marker.corners_mm.T / 1000) + shift[:, None]
    points = project_points(corners.T, CAMERA)
    size = 400
    drawn = cv2.aruco.generateImageMarker(
        cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_250), 7, size
    )
    sides = np.array([[0, 0], [size, 0], [size, size], [0, size]]) - 0.5
    matrix = cv2.getPerspectiveTransform(sides.astype(np.float32), points.astype(np.float32))
    image = np.full((480, 640), 230, np.uint8)
    cv2.warpPerspective(drawn, matrix, (640, 480), image, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    found = find_board_pose(marker, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), CAMERA, None)
    normal = cv2.Rodrigues(turn)[0][:, 2]
    normal = normal if normal @ shift < 0 else -normal
    assert np.degrees(np.arccos(found.up @ normal)) < 2
    assert found.height == pytest.approx(-normal @ shift, rel=0.03)
    assert 0 < found.height_std(shift) < 0.1 * found.height


def test_a_base_above_the_camera_is_refused():
    scene = make_scene(5)
    rotated = replace(
        scene, pose=replace(scene.pose, quaternion_xyzw=np.array([0.0, 0.0, 0.0, 1.0]))
    )
    config = {'type': 'CameraHeight', 'metres': 1.0, 'pitch_deg': -60}
    assert 'below' in scaled(config, rotated).metric_scale.failure


@pytest.mark.parametrize(
    ('content', 'argument'),
    [
        ({'kind': 'circles'}, 'kind'),
        ({'kind': ['marker']}, 'kind'),
        ({'kind': 'marker', 'id': 1}, 'kind'),
        ({'kind': 'marker', 'id': 1000, 'marker_mm': 40}, 'id'),
        ({'kind': 'marker', 'id': 1, 'marker_mm': 0}, 'marker_mm'),
        ({'kind': 'marker', 'id': 1, 'marker_mm': 40, 'dictionary': '9X9'}, 'dictionary'),
        ({'kind': 'chessboard', 'squares': 5, 'square_mm': 30}, 'squares'),
        ({'kind': 'chessboard', 'squares': [7, 5], 'square_mm': 'a'}, 'square_mm'),
        ({'kind': 'charuco', 'squares': [7, 5], 'square_mm': 30}, 'kind'),
    ],
)
def test_wrong_patterns(content, argument, tmp_path):
    with raises(ConfigError, argument=argument):
        read_pattern(content)
    (tmp_path / 'board.json').write_text(json.dumps(content))
    with raises(ConfigError, argument=argument, path=tmp_path / 'board.json'):
        read_pattern(tmp_path / 'board.json')


def test_files_that_are_no_patterns(tmp_path):
    (tmp_path / 'board.json').write_text('[1]')
    for name in ('board.json', 'none.json'):
        with raises(DataError):
            read_pattern(tmp_path / name)


def test_wrong_heights():
    for settings in ({'metres': 0}, {'metres': 1, 'std': -1}, {'metres': 1, 'pitch_deg': 100}):
        with raises(ConfigError, argument=list(settings)[-1]):
            CameraHeight(**settings)
