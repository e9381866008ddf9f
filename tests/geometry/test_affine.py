import numpy as np
import pytest

from cpose.geometry.affine import (
    apply_affine,
    crop_affine,
    invert_affine,
    letterbox_affine,
    letterbox_side,
)


@pytest.mark.parametrize(
    ('image_wh', 'input_wh', 'scale', 'shift'),
    [
        ((600, 800), (512, 512), 0.64, (64, 0)),
        ((800, 600), (512, 512), 0.64, (0, 64)),
        ((600, 800), (640, 512), 0.64, (128, 0)),
        ((600, 800), (256, 512), 256 / 600, (0, 256 - 400 * 256 / 600)),
        ((512, 512), (512, 512), 1, (0, 0)),
    ],
)
def test_letterbox(image_wh, input_wh, scale, shift):
    expected = np.column_stack([np.eye(2) * scale, shift])
    np.testing.assert_allclose(letterbox_affine(image_wh, input_wh), expected, atol=1e-12)


def test_letterbox_side_of_square_input_is_the_longer_side():
    assert letterbox_side((600, 800), (512, 512)) == pytest.approx(800)


def test_crop_puts_its_middle_in_the_middle():
    affine = crop_affine(np.array([123.0, 77.0]), 200.0, (64, 96), rotation_deg=31.0)
    np.testing.assert_allclose(apply_affine(affine, np.array([123.0, 77.0])), [32, 48])


def test_crop_by_hand():
    affine = crop_affine(np.array([10.0, 20.0]), 40.0, (80, 80))
    np.testing.assert_allclose(apply_affine(affine, np.array([[0.0, 0], [13, 21]])), [
        [20, 0], [46, 42],
    ])  # fmt: skip


def test_positive_angle_turns_points_from_x_away_from_y():
    affine = crop_affine(np.zeros(2), 10.0, (10, 10), rotation_deg=90.0)
    np.testing.assert_allclose(apply_affine(affine, np.array([1.0, 0.0])) - 5, [0, -1], atol=1e-12)


def test_flip_comes_first():
    center, width = np.array([30.0, 40.0]), 100
    plain = crop_affine(center, 50.0, (32, 32), 20.0)
    flipped = crop_affine(center, 50.0, (32, 32), 20.0, flip_width=width)
    points = np.random.default_rng(0).uniform(0, 100, (7, 2))
    mirrored = np.stack([width - 1 - points[:, 0], points[:, 1]], axis=1)
    np.testing.assert_allclose(
        apply_affine(flipped, points), apply_affine(plain, mirrored), atol=1e-10
    )
    assert np.linalg.det(flipped[:, :2]) < 0 < np.linalg.det(plain[:, :2])


def test_inverse():
    affine = crop_affine(np.array([31.0, 17.0]), 77.0, (64, 32), 12.0, flip_width=90)
    points = np.random.default_rng(1).uniform(-50, 150, (2, 5, 2))
    there = apply_affine(affine, points)
    assert np.abs(there - points).max() > 1
    np.testing.assert_allclose(apply_affine(invert_affine(affine), there), points, atol=1e-10)


def test_apply_to_no_points():
    assert apply_affine(np.eye(2, 3), np.zeros((0, 2))).shape == (0, 2)
