import json
import warnings

import cv2
import numpy as np
import pytest

from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.camera_io import CameraFinder, make_camera, read_camera_file
from cpose.errors import ConfigError, DataError
from cpose.structures.camera import guess_intrinsics, intrinsic_matrix

from ...user_errors import raises

PLAIN = {'fx': 615.0, 'fy': 617.0, 'cx': 300.5, 'cy': 392.0}
INTRINSICS = intrinsic_matrix(615, 617, 300.5, 392)


def write_json(path, content):
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    'camera', [(615, 617, 300.5, 392), [615, 617, 300.5, 392, 0], INTRINSICS, INTRINSICS.tolist()]
)
def test_numbers(camera):
    np.testing.assert_allclose(make_camera(camera).intrinsics, INTRINSICS)


def test_camera_is_passed_through():
    camera = Camera(INTRINSICS)
    assert make_camera(camera) is camera


@pytest.mark.parametrize(
    ('camera', 'problem'),
    [
        ((615, 617, 300), '3'),
        ((0, 617, 300, 392), 'fx'),
        ((615, 617, float('inf'), 392), 'cx'),
        (('a', 'b', 'c', 'd'), ''),
        (-INTRINSICS, 'K'),
    ],
)
def test_wrong_numbers(camera, problem):
    with raises(ConfigError, problem, argument='camera'):
        make_camera(camera)


def test_json_file(tmp_path):
    path = write_json(tmp_path / 'cam.json', PLAIN)
    np.testing.assert_allclose(make_camera(path).intrinsics, INTRINSICS)
    np.testing.assert_allclose(make_camera(str(path)).intrinsics, INTRINSICS)


def test_yaml_file_of_ros(tmp_path):
    path = tmp_path / 'cam.yaml'
    path.write_text(
        'header: {frame_id: camera}\nheight: 800\nwidth: 600\ndistortion_model: plumb_bob\n'
        'd: [-0.3, 0.1, 0.0, 0.0, 0.0]\nk: [615.0, 0.0, 300.5, 0.0, 617.0, 392.0, 0.0, 0.0, 1.0]\n'
        '---\n'
    )
    camera = read_camera_file(path)
    np.testing.assert_allclose(camera.intrinsics, INTRINSICS)
    np.testing.assert_allclose(camera.distortion[:2], [-0.3, 0.1])
    assert camera.image_wh == (600, 800)


def test_yaml_file_of_opencv(tmp_path):
    path = tmp_path / 'cam.yml'
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write('image_width', 600)
    storage.write('image_height', 800)
    storage.write('camera_matrix', INTRINSICS)
    storage.write('distortion_coefficients', np.array([[-0.3, 0.1, 0.01, 0.0, 0.02]]))
    storage.release()
    camera = read_camera_file(path)
    np.testing.assert_allclose(camera.intrinsics, INTRINSICS)
    np.testing.assert_allclose(camera.distortion, [-0.3, 0.1, 0.01, 0.0, 0.02])
    assert camera.image_wh == (600, 800)


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('a.json', '{"fx": 1'),
        ('a.yaml', 'fx: [1'),
        ('a.json', '{"objects": []}'),
        ('a.yaml', ''),
    ],
)
def test_unusable_files(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with raises(DataError, path=tmp_path / name):
        read_camera_file(tmp_path / name)


def test_missing_file(tmp_path):
    with raises(DataError, 'No such file', path=tmp_path / 'none.json'):
        read_camera_file(tmp_path / 'none.json')


def test_one_camera_for_all():
    finder = CameraFinder((615, 617, 300.5, 392))
    for path, size in (('a.png', (600, 800)), ('b.png', (60, 80))):
        np.testing.assert_allclose(finder.find(path, size).intrinsics, INTRINSICS)


def test_annotation_beside_the_image(tmp_path):
    data = {'camera_data': {'width': 600, 'height': 800, 'intrinsics': PLAIN}}
    write_json(tmp_path / 'a.json', data)
    finder = CameraFinder()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        found = finder.find(str(tmp_path / 'a.jpg'), (600, 800))
        half = finder.find(str(tmp_path / 'a.jpg'), (300, 400))
    np.testing.assert_allclose(found.intrinsics, INTRINSICS)
    np.testing.assert_allclose(half.intrinsics[:2], INTRINSICS[:2] / 2)


@pytest.mark.parametrize('content', [{'camera_data': {'width': 6, 'height': 8}}, {'fx': 3}, [1]])
def test_guess_with_one_warning(tmp_path, content):
    """A JSON file without the camera of an annotation is nobody's camera."""
    write_json(tmp_path / 'a.json', content)
    finder = CameraFinder()
    with pytest.warns(UserWarning, match='typical phone'):
        first = finder.find(str(tmp_path / 'a.jpg'), (600, 800))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        second = finder.find('webcam:0', (640, 480))
    np.testing.assert_allclose(first.intrinsics, guess_intrinsics((600, 800)))
    np.testing.assert_allclose(second.intrinsics, guess_intrinsics((640, 480)))
