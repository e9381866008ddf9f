import cv2
import numpy as np
import pytest
from mediapipe_objectron.lifting import lift_corners, lift_dims

from cpose.geometry.cuboid_fit import fit_cuboid_dims
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints

INTRINSICS = intrinsic_matrix(620, 630, 310, 390)
DIMS = np.array([0.7, 1.0, 2.4])
ROTATIONS = ((0.4, 0.9, 0.1), (-2.0, 0.3, 0.8), (0.2, -2.6, 0.4))


def corners(dims, vector, location=(0.3, -0.2, 5.0)):
    rotation = cv2.Rodrigues(np.array(vector))[0]
    points = cuboid_keypoints(dims)[1:] @ rotation.T + location
    return points, project_points(points, INTRINSICS), rotation


@pytest.mark.parametrize('vector', ROTATIONS)
@pytest.mark.parametrize('dims', [(0.7, 1.0, 2.4), (1.0, 1.0, 1.0), (3.0, 1.0, 0.2)])
def test_round_trip(vector, dims):
    _, points_image, rotation = corners(dims, vector)
    center, *edges = lift_corners(points_image, INTRINSICS)
    scale = 5.0 / center[2]
    np.testing.assert_allclose(center * scale, [0.3, -0.2, 5.0], atol=1e-8)
    np.testing.assert_allclose(np.array(edges).T * scale, rotation * dims / 2, atol=1e-8)
    np.testing.assert_allclose(lift_dims(points_image, INTRINSICS), dims, rtol=1e-7)


def test_other_corner_order_is_a_mirrored_box():
    _, points_image, _ = corners(DIMS, ROTATIONS[0])
    edges = lift_corners(points_image, INTRINSICS)[1:]
    swapped = lift_corners(points_image[[4, 5, 6, 7, 0, 1, 2, 3]], INTRINSICS)[1:]
    assert np.linalg.det(edges) > 0 > np.linalg.det(swapped)


def test_fit_of_a_cuboid_corrects_noisy_dims():
    """The reason for `ReprojectedDims` in the configs."""
    rng = np.random.default_rng(0)
    errors = []
    for vector in ROTATIONS * 10:
        points, clean, rotation = corners(DIMS, vector)
        noisy = clean + rng.normal(scale=3.0, size=clean.shape)
        lifted = lift_dims(noisy, INTRINSICS)
        pose = (rotation, points.mean(axis=0))
        fitted = fit_cuboid_dims(np.arange(8), noisy, lifted, pose, INTRINSICS, 3.0, 0.5)
        errors.append([np.abs(np.log(found / DIMS)).max() for found in (lifted, fitted)])
    lifted_error, fitted_error = np.median(errors, axis=0)
    assert fitted_error < 0.75 * lifted_error


def test_flat_image_of_a_box_gives_finite_numbers():
    assert np.isfinite(lift_dims(np.full((8, 2), 100.0), INTRINSICS)).all()
