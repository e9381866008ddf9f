from dataclasses import replace

import numpy as np
import pytest

from cpose.datasets.synthetic.camera_effects import NOISE_SIDE, apply_camera
from cpose.datasets.synthetic.settings import RealismSettings

PLAIN = RealismSettings.plain()


def make_picture(wh=(96, 64)):
    steps = np.indices(wh[::-1]).sum(axis=0)
    return np.repeat((steps % 200)[..., None], 3, axis=2).astype(np.uint8)


def test_nothing_happens_without_effects():
    picture = make_picture()
    np.testing.assert_array_equal(apply_camera(np.random.default_rng(0), picture, PLAIN), picture)


@pytest.mark.parametrize(
    'effect', ['tone', 'blur', 'noise', 'compression', 'window_light', 'webcam', 'grey']
)
def test_each_effect_changes_the_picture_and_is_repeatable(effect):
    realism = replace(PLAIN, **{effect: 1.0})
    picture = make_picture() // (1, 2, 3)
    picture = picture.astype(np.uint8)
    before = picture.copy()
    first, second = (apply_camera(np.random.default_rng(2), picture, realism) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == picture.shape
    assert first.dtype == np.uint8
    assert not np.array_equal(first, picture)
    np.testing.assert_array_equal(picture, before)


def test_blur_lowers_contrast_and_keeps_the_place():
    point = np.zeros((41, 41, 3), dtype=np.uint8)
    point[20, 20] = 255
    for seed in range(12):
        seen = apply_camera(np.random.default_rng(seed), point, replace(PLAIN, blur=1.0))
        weight = seen[..., 0].astype(float)
        rows, columns = np.indices(weight.shape)
        assert (weight * rows).sum() / weight.sum() == pytest.approx(20, abs=0.3)
        assert (weight * columns).sum() / weight.sum() == pytest.approx(20, abs=0.3)


def test_noise_has_mean_zero():
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    for seed in range(6):
        seen = apply_camera(np.random.default_rng(seed), grey, replace(PLAIN, noise=1.0))
        assert seen.mean() == pytest.approx(128, abs=0.6)
        assert seen.std() > 0.5


def test_noise_covers_pictures_larger_than_its_bank():
    grey = np.full((NOISE_SIDE + 5, NOISE_SIDE * 2 + 3, 3), 128, dtype=np.uint8)
    seen = apply_camera(np.random.default_rng(0), grey, replace(PLAIN, noise=1.0))
    assert seen.shape == grey.shape
    assert seen[-20:, -20:].std() > 0.5


def test_grey_pictures_have_no_colour():
    picture = (make_picture() // (1, 2, 3)).astype(np.uint8)
    seen = apply_camera(np.random.default_rng(0), picture, replace(PLAIN, grey=1.0))
    assert (np.ptp(seen, axis=2) == 0).all()
    assert np.ptp(seen) > 20


def test_light_from_one_side_makes_a_slope():
    grey = np.full((64, 96, 3), 110, dtype=np.uint8)
    for seed in range(6):
        seen = apply_camera(np.random.default_rng(seed), grey, replace(PLAIN, window_light=1.0))
        assert np.ptp(seen.mean(axis=2)) > 30
