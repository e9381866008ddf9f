import cv2
import numpy as np
import pytest

from cpose.datasets.transforms.affine import RandomPoseAffine, halved_border
from cpose.errors import ConfigError
from cpose.geometry.affine import apply_affine, invert_affine
from cpose.structures.cuboid import FLIP_CORNERS

from ...shipped_parts import settings
from ...user_errors import raises
from .records import IMAGE_WH, make_record

FIXED = {'scale_range': (1.0, 1.0), 'flip_prob': 0.0}


def make_affine(**changes):
    return RandomPoseAffine(**settings('RandomPoseAffine', **changes))


def run(seed=0, transform=None, **changes):
    transform = make_affine() if transform is None else transform
    return transform(make_record(seed=seed, **changes))


def test_same_generator_same_result():
    first, second, other = run(1), run(1), run(2)
    np.testing.assert_array_equal(first['img'], second['img'])
    np.testing.assert_array_equal(first['input_from_image'], second['input_from_image'])
    assert not np.allclose(first['input_from_image'], other['input_from_image'])


def test_one_warp_of_the_original():
    record = make_record(seed=4)
    image = record['img'].copy()
    results = make_affine()(record)
    expected = cv2.warpAffine(image, results['input_from_image'], (64, 64))
    np.testing.assert_array_equal(results['img'], expected)


@pytest.mark.parametrize('input_wh', [(64, 64), (96, 64)])
def test_parameters_stay_in_range(input_wh):
    factors, centers, flips = [], [], []
    for seed in range(300):
        affine = run(seed, input_wh=input_wh)['input_from_image']
        scale = np.sqrt(abs(np.linalg.det(affine[:, :2])))
        letterbox = min(input_wh[0] / IMAGE_WH[0], input_wh[1] / IMAGE_WH[1])
        factors.append(letterbox / scale)
        centers.append(apply_affine(invert_affine(affine), np.array(input_wh) / 2))
        flips.append(np.linalg.det(affine[:, :2]) < 0)
        assert affine[0, 1] == affine[1, 0] == 0
    assert 0.6 <= min(factors) < 0.63
    assert 1.37 < max(factors) <= 1.4
    border = np.array([halved_border(128, side) for side in IMAGE_WH])
    assert (np.array(centers) >= border - 1).all()
    assert (np.array(centers) <= IMAGE_WH - border).all()
    np.testing.assert_allclose(np.ptp(centers, axis=0), IMAGE_WH - 2 * border, rtol=0.05)
    assert 0.4 < np.mean(flips) < 0.6


@pytest.mark.parametrize(
    ('side', 'expected'), [(800, 128), (257, 128), (256, 64), (120, 32), (64, 16)]
)
def test_border_of_center_net(side, expected):
    assert halved_border(128, side) == expected


def test_flip_mirrors_pixels_and_renames_corners():
    corners = np.random.default_rng(0).uniform(0, 100, (2, 3, 8, 2))
    for flip_prob in (0.0, 1.0):
        transform = make_affine(scale_range=(1, 1), flip_prob=flip_prob)
        results = run(3, transform, cand_corners=corners.copy())
        if flip_prob:
            np.testing.assert_array_equal(results['cand_corners'], corners[:, :, FLIP_CORNERS])
            assert results['input_from_image'][0, 0] < 0
        else:
            np.testing.assert_array_equal(results['cand_corners'], corners)
            assert results['input_from_image'][0, 0] > 0


def test_flipped_input_is_the_input_of_the_flipped_image():
    record = make_record(seed=5)
    mirrored = np.ascontiguousarray(record['img'][:, ::-1])
    flipped = make_affine(flip_prob=1.0)(record)
    plain = make_affine(flip_prob=0.0)(make_record(seed=5, img=mirrored))
    # OpenCV 4 interpolates in steps of 1/32 pixel, which the mirror need not hit alike.
    assert cv2.absdiff(flipped['img'], plain['img']).mean() < 0.5
    assert cv2.absdiff(flipped['img'], plain['img'][:, ::-1]).mean() > 20


def test_factors_in_steps():
    transform = make_affine(scale_range=(0.6, 1.3), scale_step=0.1)
    letterbox = min(64 / side for side in IMAGE_WH)
    affines = [run(seed, transform)['input_from_image'] for seed in range(200)]
    factors = {round(letterbox / np.sqrt(abs(np.linalg.det(item[:, :2]))), 6) for item in affines}
    assert sorted(factors) == [0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3]
    one = make_affine(scale_range=(1.0, 1.0), scale_step=0.1)
    np.testing.assert_allclose(abs(run(1, one)['input_from_image'][1, 1]), letterbox)


def test_rotation():
    angles = []
    for seed in range(200):
        transform = make_affine(**FIXED, rotate_prob=0.5, max_rotate_deg=20)
        linear = run(seed, transform)['input_from_image'][:, :2]
        angles.append(np.rad2deg(np.arctan2(linear[0, 1], linear[0, 0])))
    angles = np.array(angles)
    assert 0.4 < np.mean(angles == 0) < 0.6
    assert -20 <= angles.min() < -17
    assert 17 < angles.max() <= 20


@pytest.mark.parametrize(
    'arguments',
    [
        {'scale_range': (0, 1)},
        {'scale_range': (1.4, 0.6)},
        {'scale_step': 0},
        {'flip_prob': 1.5},
        {'rotate_prob': -0.1},
        {'flip_prob': 'abc'},
        {'border': 'abc'},
        {'border': float('inf')},
        {'max_rotate_deg': None},
    ],
)
def test_wrong_arguments(arguments):
    with raises(ConfigError, argument=next(iter(arguments))):
        make_affine(**arguments)


def test_middle_stays_in_the_middle():
    transform = make_affine(flip_prob=0.5, rotate_prob=0.5, keep_center=True)
    for seed in range(8):
        affine = run(seed, transform)['input_from_image']
        middle = apply_affine(affine, np.array([IMAGE_WH]) / 2)
        np.testing.assert_allclose(middle, [[32, 32]], atol=1)  # a flip mirrors pixel centres
