import cv2
import numpy as np
import pytest

from cpose.geometry.projection import back_project_points, project_points, undistort_points
from cpose.structures.camera import intrinsic_matrix

CAMERA = intrinsic_matrix(600, 620, 310, 245, skew=4)
LENSES = {
    'barrel': [-0.32, 0.11, 0.001, -0.0007],
    'five': [-0.28, 0.09, 0.0006, 0.0004, -0.01],
    'rational': [0.1, 0.02, 0.0, 0.0, 0.001, 0.3, 0.05, 0.002],
}


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    depths = rng.uniform(1, 5, (40, 1))
    return np.concatenate([rng.uniform(-0.5, 0.5, (40, 2)) * depths, depths], axis=1)


def test_pinhole_by_hand():
    np.testing.assert_allclose(
        project_points([1.0, -2.0, 4.0], CAMERA),
        [600 * 0.25 + 4 * -0.5 + 310, 620 * -0.5 + 245],
    )


@pytest.mark.parametrize('lens', LENSES.values(), ids=LENSES)
def test_distortion_is_opencvs(points, lens):
    camera = intrinsic_matrix(600, 620, 310, 245)
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera, np.array(lens))
    np.testing.assert_allclose(project_points(points, camera, lens), expected[:, 0], atol=1e-9)


@pytest.mark.parametrize('lens', LENSES.values(), ids=LENSES)
def test_undistortion_is_the_inverse(points, lens):
    pinhole, seen = project_points(points, CAMERA), project_points(points, CAMERA, lens)
    assert np.abs(pinhole - seen).max() > 1
    np.testing.assert_allclose(undistort_points(seen, CAMERA, lens), pinhole, atol=1e-4)


def test_undistortion_passes_missing_points_through(points):
    lens = LENSES['barrel']
    seen = project_points(points, CAMERA, lens).reshape(4, 10, 2)
    seen[1, 2] = np.nan
    undone = undistort_points(seen, CAMERA, lens)
    assert undone.shape == seen.shape
    assert np.isnan(undone[1, 2]).all()
    assert np.isnan(undone).sum() == 2
    assert np.isnan(undistort_points(np.full((3, 2), np.nan), CAMERA, lens)).all()


def test_undistortion_knows_when_no_ray_fits():
    """r (1 − 0.3 r²) is at most 0.7027, at r = 1.054: nothing is seen farther out."""
    edge = 310 + 600 * 0.7027
    pixels = np.array([[edge - 2, 245.0], [edge + 2, 245.0], [edge + 900, 245.0]])
    undone = undistort_points(pixels, CAMERA, [-0.3, 0, 0, 0])
    np.testing.assert_array_equal(np.isnan(undone).any(axis=1), [False, True, True])


def test_back_projection_is_the_inverse(points):
    pixels = project_points(points, CAMERA)
    np.testing.assert_allclose(back_project_points(pixels, points[:, 2], CAMERA), points, atol=1e-9)
