import numpy as np
import pytest

from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.calibration_formats import parse_calibration
from cpose.errors import DataError
from cpose.structures.camera import intrinsic_matrix

from ...user_errors import raises

PLAIN = {'fx': 615.0, 'fy': 617, 'cx': 300.5, 'cy': 392}
MATRIX = [615.0, 0, 300.5, 0, 617, 392, 0, 0, 1]
NESTED = [MATRIX[:3], MATRIX[3:6], MATRIX[6:]]
TAO = {
    'focal_length_x': 615.0, 'focal_length_y': 617.0,
    'principle_point_x': 300.5, 'principle_point_y': 392.0, 'skew': 0.0,
}  # fmt: skip
CORRECTED = {name.replace('principle', 'principal'): value for name, value in TAO.items()}
NDC = [
    [2 * 617 / 800, 0, 1 - 2 * 392 / 800, 0],
    [0, 2 * 615 / 600, 1 - 2 * 300.5 / 600, 0],
    [0, 0, -1, -0.02],
    [0, 0, -1, 0],
]
SAME_CAMERA = {
    'plain': PLAIN,
    'tao': TAO,
    'tao_spec': {'model': {}, 'inference': {**TAO, 'checkpoint': 'a.pth'}},
    'tao_corrected': CORRECTED,
    'section': {'camera': PLAIN},
    'intrinsics_by_name': {'intrinsics': PLAIN, 'width': 600, 'height': 800},
    'intrinsics_matrix': {'intrinsics': NESTED},
    'ros1': {'K': MATRIX, 'D': [0.0] * 5, 'width': 0, 'height': 0},
    'ros2': {'k': MATRIX, 'd': [], 'distortion_model': 'plumb_bob'},
    'calibrator': {'camera_matrix': {'rows': 3, 'cols': 3, 'data': MATRIX}},
    'annotation': {
        'camera_data': {'width': 600, 'height': 800, 'intrinsics': PLAIN},
        'objects': 'not looked at',
    },
    'annotation_projection': {
        'camera_data': {'width': 600, 'height': 800, 'camera_projection_matrix': NDC}
    },
}


@pytest.mark.parametrize('content', SAME_CAMERA.values(), ids=SAME_CAMERA)
def test_all_spellings_are_one_camera(content):
    camera = parse_calibration(content, 'cam.json')
    np.testing.assert_allclose(camera.intrinsics, intrinsic_matrix(615, 617, 300.5, 392))
    assert camera.distortion is None
    assert camera.origin == 'cam.json'


def test_skew():
    camera = parse_calibration({**PLAIN, 'skew': 2.5}, 'cam.json')
    assert camera.intrinsics[0, 1] == 2.5


@pytest.mark.parametrize(
    'fields',
    [
        {'D': [-0.3, 0.1, 0.001, 0.002, 0.01]},
        {'distortion_coefficients': {'data': [-0.3, 0.1, 0.001, 0.002, 0.01]}},
        {'d': [[-0.3], [0.1], [0.001], [0.002], [0.01]], 'distortion_model': 'plumb_bob'},
    ],
)
def test_distortion(fields):
    camera = parse_calibration({'K': MATRIX, **fields, 'image_width': 64, 'image_height': 48}, 'c')
    np.testing.assert_array_equal(camera.distortion, [-0.3, 0.1, 0.001, 0.002, 0.01])
    assert camera.image_wh == (64, 48)


LENS = [-0.3, 0.1, 0.001, 0.002, 0.01]


@pytest.mark.parametrize(
    'content',
    [
        {'camera': {'K': MATRIX, 'distortion': LENS}},
        {'camera': {'K': MATRIX}, 'distortion': LENS},
        {'intrinsics': PLAIN, 'D': LENS, 'distortion_model': 'plumb_bob'},
        {'camera': {'K': MATRIX, 'D': LENS}, 'D': [0.0] * 5},
    ],
)
def test_distortion_in_a_section_or_beside_it(content):
    np.testing.assert_array_equal(parse_calibration(content, 'c').distortion, LENS)


@pytest.mark.parametrize('content', [None, [], 'text', {}, {'objects': []}, {'camera_data': {}}])
def test_nothing_found(content):
    if content == {'camera_data': {}}:
        with raises(DataError, field='camera_data.width'):
            parse_calibration(content, 'a.json')
    else:
        assert parse_calibration(content, 'a.json') is None


WRONG = {
    'zero_focal_length': ({**PLAIN, 'fx': 0.0}, 'fx'),
    'negative': ({'inference': {**TAO, 'focal_length_y': -3}}, 'inference.focal_length_y'),
    'missing': (
        {'fx': 600, 'fy': 600, 'cx': 1},
        'cy',
    ),
    'text': ({**PLAIN, 'cy': 'middle'}, 'cy'),
    'nan': ({**PLAIN, 'cx': float('nan')}, 'cx'),
    'eight_numbers': ({'K': MATRIX[:8]}, 'K'),
    'zero_matrix': ({'K': [0.0] * 9}, 'K'),
    'transposed': ({'K': np.transpose(NESTED).tolist()}, 'K'),
    'fisheye': (
        {'K': MATRIX, 'D': [0.1] * 4, 'distortion_model': 'equidistant'},
        'distortion_model',
    ),
    'fisheye_in_a_section': (
        {'camera': {'K': MATRIX, 'D': [0.1] * 4, 'distortion_model': 'fisheye'}},
        'camera.distortion_model',
    ),
    'fisheye_beside_the_section': (
        {'camera': {'K': MATRIX, 'D': [0.1] * 4}, 'distortion_model': 'fisheye'},
        'distortion_model',
    ),
    'three_coefficients': ({'K': MATRIX, 'D': [0.1] * 3}, 'D'),
    'coefficients_of_text': ({'K': MATRIX, 'D': ['a']}, 'D'),
}


@pytest.mark.parametrize(('content', 'field'), WRONG.values(), ids=WRONG)
def test_wrong_values_are_named(content, field):
    with raises(DataError, path='cam.json', field=field):
        parse_calibration(content, 'cam.json')


def test_resized_images():
    camera = Camera(intrinsic_matrix(600, 620, 310, 250), np.ones(4), (640, 480))
    half = camera.for_image((320, 240))
    np.testing.assert_allclose(half.intrinsics, intrinsic_matrix(300, 310, 155, 125))
    np.testing.assert_array_equal(half.distortion, camera.distortion)
    guessed = Camera(camera.intrinsics, image_wh=(640, 480), is_guessed=True)
    assert guessed.for_image((320, 240)).is_guessed
    assert camera.for_image((640, 480)) is camera
    assert Camera(camera.intrinsics).for_image((1, 2)).intrinsics is camera.intrinsics


def test_other_aspect_ratio_is_refused():
    camera = Camera(np.eye(3), None, (640, 480), 'cam.yaml')
    with raises(DataError, '640×480', path='cam.yaml'):
        camera.for_image((480, 640))
