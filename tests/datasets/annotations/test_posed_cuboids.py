import numpy as np
import pytest

from cpose.datasets.annotations.annotation_table import annotate_poses
from cpose.geometry.projection import project_points
from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.camera import cv_from_gl, intrinsic_matrix

K = intrinsic_matrix(100.0, 110.0, 60.0, 50.0)


def make_poses(count):
    poses = np.tile(np.eye(4), (count, 1, 1))
    for number in range(count):
        quaternion = np.array([0.1 * number, 0.2, -0.1, 0.9])
        poses[number, :3, :3] = matrix_from_quaternion(quaternion / np.linalg.norm(quaternion))
        poses[number, :3, 3] = (0.1, -0.2 * number, 2.0)
    return poses


def test_keypoints_are_those_of_the_posed_cuboid():
    poses, dims = make_poses(2), np.array([[0.2, 0.4, 0.3], [0.5, 0.1, 0.2]])
    annotations = annotate_poses(
        np.array([0, 1]), poses, dims, K, extras={'angle': np.array([1, 2])}
    )
    keypoints_cv = cv_from_gl(annotations.keypoints_gl)
    np.testing.assert_allclose(keypoints_cv[:, 0], poses[:, :3, 3])
    for number in range(2):
        corner = poses[number] @ [*(-dims[number] / 2), 1]
        np.testing.assert_allclose(keypoints_cv[number, 1], corner[:3])
    np.testing.assert_allclose(annotations.keypoints_image, project_points(keypoints_cv, K))
    assert annotations.visibility.tolist() == [1, 1]
    assert annotations.extras['angle'].tolist() == [1, 2]


def test_no_objects():
    annotations = annotate_poses(np.zeros(0), make_poses(0), np.zeros((0, 3)), K)
    assert annotations.keypoints_image.shape == (0, 9, 2)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match='camera_from_object has shape'):
        annotate_poses(np.zeros(2), make_poses(1), np.ones((2, 3)), K)
