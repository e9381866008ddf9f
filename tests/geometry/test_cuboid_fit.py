import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.geometry.cuboid_fit import fit_cuboid_dims
from cpose.geometry.pnp import solve_cuboid_pnp
from cpose.geometry.projection import project_points
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

CAMERA = intrinsic_matrix(600, 590, 322, 241)
DIMS = np.array([1.6, 1.0, 0.5])
ROTATION = Rotation.from_euler('xyz', [200, 35, 3], degrees=True)
LOCATION = np.array([0.4, 0.3, 6.0])
CORNERS = np.arange(8)


def observe(dims=DIMS, rotation=ROTATION, location=LOCATION):
    return project_points(rotation.apply(CORNER_SIGNS / 2 * dims) + location, CAMERA)


def fit(points, predicted, corners=CORNERS, point_sigma=2.0, dims_sigma=0.25):
    both = np.full((8, 2, 2), np.nan)
    both[corners, 0] = points
    pose = solve_cuboid_pnp(both.reshape(16, 2), predicted, CAMERA).pose
    start = (matrix_from_quaternion(pose.quaternion_xyzw), pose.location_cv)
    return fit_cuboid_dims(corners, points, predicted, start, CAMERA, point_sigma, dims_sigma)


def test_exact_corners_and_a_weak_prior_give_the_true_proportions():
    predicted = DIMS * (1.3, 1.0, 0.75)
    np.testing.assert_allclose(fit(observe(), predicted, dims_sigma=1e3), DIMS, rtol=1e-3)


def test_right_dimensions_stay():
    np.testing.assert_allclose(fit(observe(), DIMS), DIMS, rtol=1e-6)


def test_a_strong_prior_keeps_the_prediction():
    predicted = DIMS * (1.3, 1.0, 0.75)
    np.testing.assert_allclose(fit(observe(), predicted, dims_sigma=1e-4), predicted, rtol=1e-3)


def test_the_height_keeps_its_value_and_the_unit_does_not_matter():
    metric = fit(observe(), 0.2 * DIMS * (1.2, 1.0, 1.2))
    relative = fit(observe(), DIMS * (1.2, 1.0, 1.2))
    assert metric[1] == pytest.approx(0.2)
    np.testing.assert_allclose(metric, 0.2 * relative, rtol=1e-3)


def test_six_corners_are_enough():
    seen = np.array([0, 1, 2, 3, 5, 7])
    fitted = fit(observe()[seen], DIMS * (1.2, 1.0, 0.8), seen, dims_sigma=1e3)
    np.testing.assert_allclose(fitted, DIMS, rtol=2e-3)


def test_one_wild_corner_counts_little():
    points = observe()
    points[3] += (30, -20)
    fitted = fit(points, DIMS * (1.15, 1.0, 0.9), dims_sigma=0.5)
    np.testing.assert_allclose(fitted, DIMS, rtol=0.12)


def test_noisy_corners_halve_the_error_of_noisy_predictions():
    rng = np.random.default_rng(5)
    before, after = [], []
    for _ in range(60):
        rotation = Rotation.from_euler(
            'xyz', [180 + rng.uniform(10, 45), rng.uniform(0, 360), 0], True
        )
        points = observe(rotation=rotation) + rng.normal(0, 2.0, (8, 2))
        predicted = DIMS * np.exp([rng.normal(0, 0.25), 0, rng.normal(0, 0.25)])
        fitted = fit(points, predicted, point_sigma=2.0)
        before.append(np.abs(np.log(predicted / DIMS)).sum())
        after.append(np.abs(np.log(fitted / DIMS)).sum())
    assert np.mean(after) < 0.5 * np.mean(before)
