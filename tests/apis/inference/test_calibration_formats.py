import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from cpose.apis.inference.calibration import Camera, SceneCameras
from cpose.apis.inference.calibration_formats import parse_calibration
from cpose.apis.inference.camera_io import CameraFinder, read_camera_file
from cpose.errors import DataError

from ...user_errors import raises

CASES = Path(__file__).parents[2] / 'data' / 'cases'
MATRIX = [500.0, 0.0, 330.0, 0.0, 510.0, 250.0, 0.0, 0.0, 1.0]
K = np.reshape(MATRIX, (3, 3))


def matrix(fx, fy, cx, cy):
    return [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]


@pytest.mark.parametrize(
    ('name', 'image_wh', 'expected'),
    [
        ('roi.yaml', (640, 400), matrix(403.9, 403.9, 311.1, 175.7)),
        ('roi.yaml', (320, 200), matrix(201.95, 201.95, 155.55, 87.85)),
        ('kalibr.yaml', (752, 480), matrix(461.6, 460.2, 362.6, 248.1)),
        ('bop_camera.json', (640, 480), matrix(572.41, 573.57, 325.26, 242.04)),
        ('cam_K.txt', (640, 480), matrix(614.2, 614.2, 320.1, 240.5)),
        ('bom.json', (128, 128), matrix(100, 100, 64, 64)),
    ],
)
@pytest.mark.filterwarnings('error')
def test_cases(name, image_wh, expected):
    camera = CameraFinder(CASES / 'camera' / name).find('a.png', image_wh)
    np.testing.assert_allclose(camera.intrinsics, expected)


def test_lens_of_kalibr():
    camera = read_camera_file(CASES / 'camera' / 'kalibr.yaml')
    np.testing.assert_array_equal(camera.distortion, [0.1, -0.2, 0.001, 0.002])
    assert camera.image_wh == (752, 480)


@pytest.mark.parametrize(
    'name', ['alias_bomb_camera.yaml', 'odd_camera.yaml', 'odd_camera.json', 'cam_bigint.yaml']
)
def test_attacks(name):
    with raises(DataError, path=CASES / 'attacks' / name):
        read_camera_file(CASES / 'attacks' / name)


ROS = {'K': MATRIX, 'width': 640, 'height': 480}


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({'k1': 0.1, 'k2': -0.2}, [0.1, -0.2, 0, 0]),
        ({'distortion': {'k1': 0.1, 'p2': 0.3, 'k3': 0.4}}, [0.1, 0, 0, 0.3, 0.4]),
        ({'k1': 0.1, 'k4': 1, 'k5': 2, 'k6': 3}, [0.1, 0, 0, 0, 0, 1, 2, 3]),
        ({'k1': 0, 'k2': 0}, None),
    ],
)
def test_coefficients_that_have_a_name_each(fields, expected):
    found = parse_calibration({'K': K.tolist(), **fields}, 'c').distortion
    assert (None if found is None else found.tolist()) == expected


def roi(x, y, width, height):
    return {'x_offset': x, 'y_offset': y, 'width': width, 'height': height, 'do_rectify': False}


@pytest.mark.parametrize(
    ('changes', 'image_wh', 'expected'),
    [
        ({'roi': roi(0, 0, 0, 0), 'binning_x': 0, 'binning_y': 0}, (640, 480), K.tolist()),
        ({'roi': roi(100, 50, 320, 240)}, (320, 240), matrix(500, 510, 230, 200)),
        ({'roi': roi(100, 50, 320, 240)}, (640, 480), K.tolist()),
        ({'binning_x': 2, 'binning_y': 4}, (320, 120), matrix(250, 127.5, 165, 62.5)),
        ({'binning_x': 2, 'binning_y': 4}, (640, 480), K.tolist()),
        (
            {'roi': roi(100, 50, 320, 240), 'binning_x': 2, 'binning_y': 2},
            (160, 120),
            matrix(250, 255, 115, 100),
        ),
        ({'roi': roi(100, 50, 320, 240)}, (160, 120), matrix(250, 255, 115, 100)),
    ],
)
def test_parts_of_a_sensor(changes, image_wh, expected):
    camera = parse_calibration({**ROS, **changes}, 'c').for_image(image_wh)
    np.testing.assert_allclose(camera.intrinsics, expected)
    assert camera.image_wh == image_wh


def test_part_of_a_sensor_of_another_shape():
    camera = parse_calibration({**ROS, 'roi': roi(0, 100, 640, 200)}, 'c')
    with raises(DataError, '640×200'):
        camera.for_image((640, 400))


FORMATS = {
    'kalibr': {'cam0': {'intrinsics': [500, 510, 330, 250], 'camera_model': 'pinhole'}},
    'bop of an image': {'cam_K': MATRIX, 'depth_scale': 0.1},
    'bop of a scene': {str(n): {'cam_K': MATRIX, 'depth_scale': 0.1} for n in range(3)},
    'open3d': {'intrinsic_matrix': K.T.ravel().tolist(), 'width': 640, 'height': 480},
    'open3d by rows': {'intrinsic_matrix': K.tolist()},
    'open3d parameters': {
        'class_name': 'PinholeCameraParameters',
        'extrinsic': [1.0] * 16,
        'intrinsic': {'intrinsic_matrix': K.T.ravel().tolist(), 'width': 640, 'height': 480},
    },
    'rows': K.tolist(),
    'flat': MATRIX,
    'three by four': np.hstack([K, np.zeros((3, 1))]).tolist(),
    'four numbers': [500, 510, 330, 250],
}


@pytest.mark.parametrize('name', FORMATS)
def test_formats(name, tmp_path):
    path = tmp_path / 'c.json'
    path.write_text(json.dumps(FORMATS[name]))
    np.testing.assert_array_equal(read_camera_file(path).intrinsics, K)


TEXTS = {
    'numpy': np.array2string(K),
    'commas': '\n'.join(','.join(map(str, row)) for row in K),
    'savetxt': '# camera\n' + '\n'.join(' '.join(f'{x:.18e}' for x in row) for row in K),
    'semicolons': '[500 0 330; 0 510 250; 0 0 1]',
    'one line': '500 510 330 250\n',
    'JSON with tabs': '{\n\t"K": ' + json.dumps(MATRIX) + '\n}',
}


@pytest.mark.parametrize('name', TEXTS)
@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_texts(name, encoding, tmp_path):
    path = tmp_path / 'cam_K.txt'
    path.write_text(TEXTS[name], encoding=encoding)
    np.testing.assert_array_equal(read_camera_file(path).intrinsics, K)


def test_cameras_of_a_scene(tmp_path):
    path = tmp_path / 'scene_camera.json'
    path.write_text(
        json.dumps({'3': {'cam_K': MATRIX}, '12': {'cam_K': [2 * x for x in MATRIX[:8]] + [1]}})
    )
    assert isinstance(read_camera_file(path), SceneCameras)
    finder = CameraFinder(path)
    assert finder.find('rgb/000003.png', (640, 480)).intrinsics[0, 0] == 500
    assert finder.find('rgb/000012.jpg', (1280, 960)).intrinsics[0, 0] == 1000
    for name in ('rgb/000004.png', 'photo.png'):
        with raises(DataError, name, path=path):
            finder.find(name, (640, 480))


KALIBR = FORMATS['kalibr']['cam0']
FISHEYE = {'distortion_model': 'equidistant', 'distortion_coeffs': [0.1] * 4}
WRONG = {
    'several': ({'cam0': KALIBR, 'cam1': {}}, ''),
    'omnidirectional': ({'cam0': {**KALIBR, 'camera_model': 'omni'}}, 'cam0.camera_model'),
    'fisheye': (
        {'cam0': {**KALIBR, **FISHEYE}},
        'cam0.distortion_model',
    ),
    'fisheye without coefficients': (
        {**ROS, 'distortion_model': 'Equidistant'},
        'distortion_model',
    ),
    'fisheye of zeros': (
        {'cam0': {**KALIBR, **FISHEYE, 'distortion_coeffs': [0] * 4}},
        'cam0.distortion_model',
    ),
    'fisheye by its names': ({'K': MATRIX, 'k1': 0.1, 'k4': 0.1}, 'k4'),
    'part of a sensor as a list': ({**ROS, 'roi': [0, 0, 64, 48]}, 'roi'),
    'no pixel': ({**ROS, 'binning_x': 1000}, 'binning_x'),
    'resolution': ({'cam0': {**KALIBR, 'resolution': [0, 480]}}, 'cam0.resolution'),
    'offset': ({**ROS, 'roi': roi(-5, 0, 64, 48)}, 'roi.x_offset'),
    'binning': ({**ROS, 'binning_x': 1.5}, 'binning_x'),
    'scene': ({'1': {'cam_K': MATRIX[:8]}}, '1.cam_K'),
    'scene without a matrix': ({'1': {'cam_K': MATRIX}, '2': {'cam_K': None}}, '2.cam_K'),
    'scene of words': ({'1': {'cam_K': {'type': 'pinhole'}}}, '1.cam_K'),
    'seven numbers': ([1.0] * 7, ''),
    'projection of another place': (np.hstack([K, np.ones((3, 1))]).tolist(), ''),
    'long number': ({'K': [10**400, *MATRIX[1:]]}, 'K'),
}


@pytest.mark.parametrize('name', WRONG)
def test_wrong_values_are_named(name):
    content, field = WRONG[name]
    with raises(DataError, path='c', field=field):
        parse_calibration(content, 'c')


@pytest.mark.parametrize(
    ('camera', 'image_wh'),
    [
        ((500, 500, 0, 0), (640, 480)),
        ((500, 500, 240, 320), (640, 480)),
        ((500, 500, 320, 240), (1280, 960)),
        ((1.2, 1.2, 320, 240), (640, 480)),
        ((50_000, 50_000, 320, 240), (640, 480)),
        ((1000, 500, 320, 240), (640, 480)),
    ],
)
def test_unlikely_cameras_are_told_once(camera, image_wh):
    finder = CameraFinder(camera)
    with pytest.warns(UserWarning, match='camera'):
        finder.find('a.png', image_wh)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        finder.find('b.png', image_wh)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('camera', [(615, 615, 300.7, 392.8), (403.9, 403.9, 330, 170)])
def test_likely_cameras(camera):
    size = (600, 800) if camera[0] == 615 else (640, 400)
    assert CameraFinder(camera).find('a.png', size).intrinsics[0, 0] == camera[0]


def test_turned_photographs_are_told():
    with raises(DataError, 'EXIF'):
        Camera(K, image_wh=(640, 480)).for_image((480, 640))
