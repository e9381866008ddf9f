import numpy as np
import pytest

from cpose.datasets.synthetic.camera import NEAR, lift, rotation_cv_from_world, sample_camera

from .scenes import INTRINSICS, make_camera


def test_level_camera_looks_ahead_with_y_down():
    camera = make_camera(pitch=0, roll=0, height=1.5)
    np.testing.assert_allclose(camera.to_cv([0.2, 1.0, -3.0]), [0.2, 0.5, 3.0], atol=1e-12)
    expected = [180 * 0.2 / 3 + 102, 176 * 0.5 / 3 + 78]
    np.testing.assert_allclose(camera.project([0.2, 1.0, -3.0]), expected)


def test_pitch_turns_down_and_roll_clockwise():
    pitched = rotation_cv_from_world(np.pi / 2, 0)
    np.testing.assert_allclose(pitched @ [0, -1, 0], [0, 0, 1], atol=1e-12)
    rolled = rotation_cv_from_world(0, np.pi / 2)
    np.testing.assert_allclose(rolled @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    rotation = rotation_cv_from_world(0.3, -0.2)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_ray_meets_its_pixel():
    camera = make_camera()
    ray = camera.ray_world(np.array([30.0, 140.0]))
    np.testing.assert_allclose(camera.project(camera.position + 2.5 * ray), [30, 140])


def test_homography_of_a_plane_agrees_with_projection():
    camera = make_camera()
    origin, axes = np.array([0.1, 0.0, -1.0]), np.array([[0.3, 0, 0.1], [-0.1, 0, 0.4]])
    mapped = camera.image_from_plane(origin, axes) @ [0.7, -0.2, 1.0]
    expected = camera.project(origin + 0.7 * axes[0] - 0.2 * axes[1])
    np.testing.assert_allclose(mapped[:2] / mapped[2], expected)


def test_polygon_behind_the_camera_is_cut():
    camera = make_camera(pitch=0, roll=0)
    square = np.array([(-1, 0, -2), (1, 0, -2), (1, 0, 2), (-1, 0, 2.0)])
    cut = camera.project_polygon(square)
    assert len(cut) == 4
    assert cut[:, 1].max() == pytest.approx(176 * 0.6 / NEAR + 78)
    assert len(camera.project_polygon(square + np.array([0, 0, 5]))) == 0


def test_samples_have_the_principal_point_near_the_middle():
    rng = np.random.default_rng(0)
    for _ in range(50):
        camera = sample_camera(rng, (640, 480))
        fx, fy = camera.intrinsics[0, 0], camera.intrinsics[1, 1]
        assert 0.6 <= fx / 640 <= 1.6
        assert fy == pytest.approx(fx, rel=0.016)
        assert np.all(np.abs(camera.intrinsics[:2, 2] / (640, 480) - 0.5) <= 0.05)
    assert not np.array_equal(camera.intrinsics, INTRINSICS)


def test_lift():
    np.testing.assert_array_equal(lift(np.array([(1, 2), (3, 4)]), 0.5), [(1, 0.5, 2), (3, 0.5, 4)])
