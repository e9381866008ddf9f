import cv2
import numpy as np
import pytest

from cpose.datasets.transforms.affine import LetterboxAffine
from cpose.geometry.affine import letterbox_affine

from .records import make_record


@pytest.mark.parametrize('input_wh', [(64, 64), (96, 32), (32, 96)])
def test_whole_image_on_black(input_wh):
    white = np.full((100, 120, 3), 255, np.uint8)
    results = LetterboxAffine()(make_record(img=white, input_wh=input_wh))
    np.testing.assert_array_equal(
        results['input_from_image'], letterbox_affine((120, 100), input_wh)
    )
    assert results['img'].shape == (input_wh[1], input_wh[0], 3)
    scale = min(input_wh[0] / 120, input_wh[1] / 100)
    covered = (results['img'] > 127).all(axis=2)
    assert covered.sum() == pytest.approx(120 * 100 * scale**2, rel=0.05)
    assert covered[input_wh[1] // 2, input_wh[0] // 2]


def test_pixels_land_where_the_affine_says():
    spot = np.zeros((100, 120, 3), np.uint8)
    cv2.circle(spot, (80, 30), 4, (255, 255, 255), -1)
    results = LetterboxAffine()(make_record(img=spot, input_wh=(64, 64)))
    rows, columns = np.nonzero(results['img'][..., 0] > 127)
    x, y = results['input_from_image'] @ np.array([80, 30, 1])
    assert abs(columns.mean() - x) < 0.5
    assert abs(rows.mean() - y) < 0.5


def test_no_random_numbers():
    results = LetterboxAffine()(make_record(rng=None))
    assert results['img'].shape == (64, 64, 3)
