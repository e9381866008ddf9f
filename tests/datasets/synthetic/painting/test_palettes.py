import cv2
import numpy as np

from cpose.datasets.synthetic.painting.materials import (
    CARDBOARD,
    contrast_colour,
    from_hsv,
    ramp,
    sample_colour,
    sample_near,
)


def test_hsv_agrees_with_opencv():
    for hsv in ((0, 255, 255), (60, 128, 200), (150, 40, 90)):
        expected = cv2.cvtColor(np.array([[hsv]], dtype=np.uint8), cv2.COLOR_HSV2BGR)[0, 0]
        np.testing.assert_allclose(from_hsv(*hsv), expected, atol=1.5)


def test_colours_are_in_range_and_varied():
    rng = np.random.default_rng(0)
    colours = np.array([sample_colour(rng) for _ in range(300)])
    assert colours.min() >= 0
    assert colours.max() <= 255
    assert (colours.std(axis=0) > 50).all()


def test_near_colours_stay_near():
    rng = np.random.default_rng(0)
    for _ in range(50):
        gaps = np.abs(sample_near(rng, CARDBOARD) - np.array(CARDBOARD)).max(axis=1)
        assert gaps.min() < 60


def test_contrast_is_larger_than_by_chance():
    rng = np.random.default_rng(0)
    base = np.full(3, 120.0)
    chosen = [np.abs(contrast_colour(rng, base) - base).sum() for _ in range(200)]
    random = [np.abs(sample_colour(rng) - base).sum() for _ in range(200)]
    assert np.mean(chosen) > np.mean(random)


def test_ramp_runs_from_dark_to_light_and_is_clipped():
    table = ramp(np.array([-20.0, 0, 100]), np.array([100.0, 300, 100]))
    assert table.shape == (256, 1, 3)
    assert table.dtype == np.uint8
    np.testing.assert_array_equal(table[0, 0], [0, 0, 100])
    np.testing.assert_array_equal(table[-1, 0], [100, 255, 100])
