import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from cpose.geometry.pnp import CORNER_OF_POINT, solve_cuboid_pnp, solve_in_front, solve_weighted
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

CAMERA = intrinsic_matrix(600, 610, 320, 240)
DIMS = np.array([0.8, 1.0, 0.5])
CORNERS = CORNER_SIGNS / 2 * DIMS
ROTATION, LOCATION = Rotation.from_rotvec([0.4, -0.7, 0.2]), np.array([0.1, -0.2, 4.0])


def noisy_points(rng, std):
    exact = project_points(ROTATION.apply(CORNERS) + LOCATION, CAMERA)[CORNER_OF_POINT]
    return exact + rng.normal(size=exact.shape) * std


def test_least_weighted_error():
    """A solver of another library finds no better pose."""
    rng = np.random.default_rng(0)
    std = rng.uniform(0.5, 8, (16, 2))
    points, corners = noisy_points(rng, std), CORNERS[CORNER_OF_POINT]

    def error(pose):
        turned = Rotation.from_rotvec(pose[:3]).apply(corners) + pose[3:]
        return ((project_points(turned, CAMERA) - points) / std).ravel()

    found = np.concatenate(solve_weighted(corners, points, CAMERA, std))
    best = least_squares(error, np.concatenate(solve_in_front(corners, points, CAMERA)))
    assert np.square(error(found)).sum() <= np.square(best.fun).sum() * (1 + 1e-8)
    np.testing.assert_allclose(found, best.x, atol=1e-5)


def test_sure_points_count_more():
    rng = np.random.default_rng(1)
    errors = {'plain': [], 'weighted': []}
    for _ in range(20):
        std = np.where(rng.random((16, 1)) < 0.4, 20.0, 0.5).repeat(2, axis=1)
        points = noisy_points(rng, std)
        for name, result in {
            'plain': solve_cuboid_pnp(points, DIMS, CAMERA, solve_in_front),
            'weighted': solve_cuboid_pnp(points, DIMS, CAMERA, solve_weighted, std),
        }.items():
            errors[name].append(np.linalg.norm(result.pose.location_cv - LOCATION))
    assert np.median(errors['weighted']) < 0.3 * np.median(errors['plain'])


def test_equal_deviations_change_nothing():
    points = noisy_points(np.random.default_rng(2), 1.0)
    plain = solve_cuboid_pnp(points, DIMS, CAMERA, solve_in_front).pose
    weighted = solve_cuboid_pnp(points, DIMS, CAMERA, solve_weighted, np.full((16, 2), 3.0)).pose
    np.testing.assert_allclose(weighted.location_cv, plain.location_cv, atol=1e-5)


@pytest.mark.parametrize('missing', [0, 7])
def test_missing_points_are_left_out(missing):
    points = noisy_points(np.random.default_rng(3), 0.0)
    points[missing] = np.nan
    pose = solve_cuboid_pnp(points, DIMS, CAMERA, solve_weighted, np.ones((16, 2))).pose
    np.testing.assert_allclose(pose.location_cv, LOCATION, atol=1e-5)
