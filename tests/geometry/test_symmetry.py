import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.geometry.symmetry import (
    full_turn,
    quarter_turn_order,
    relabel_cuboid,
    rotate_about_up,
    up_axes,
)
from cpose.structures.cuboid import cuboid_keypoints

DIMS = np.array([0.3, 0.5, 0.2])


def random_cuboid(seed=0, dims=DIMS):
    """Return keypoints (9, 3) with the rotation and location they were made of."""
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(random_state=seed).as_matrix()
    location = rng.normal(size=3)
    return cuboid_keypoints(dims) @ rotation.T + location, rotation, location


def test_up_axis_is_the_second_column_of_the_rotation():
    keypoints, rotation, _ = random_cuboid()
    np.testing.assert_allclose(up_axes(keypoints), rotation[:, 1], atol=1e-12)


@pytest.mark.parametrize('angle', [0.4, -1.3, np.pi])
def test_rotation_about_own_y_axis(angle):
    keypoints, rotation, location = random_cuboid()
    turn = Rotation.from_euler('y', angle).as_matrix()
    expected = cuboid_keypoints(DIMS) @ (rotation @ turn).T + location
    rotated = rotate_about_up(keypoints, np.array([angle]))
    assert rotated.shape == (1, 9, 3)
    np.testing.assert_allclose(rotated[0], expected, atol=1e-12)


def test_many_cuboids_at_once():
    stack = np.stack([random_cuboid(seed)[0] for seed in range(3)])
    angles = full_turn(5)
    rotated = rotate_about_up(stack, angles)
    assert rotated.shape == (3, 5, 9, 3)
    for keypoints, group in zip(stack, rotated, strict=True):
        np.testing.assert_allclose(group, rotate_about_up(keypoints, angles), atol=1e-12)
    np.testing.assert_allclose(rotated[:, 0], stack, atol=1e-12)
    assert rotate_about_up(np.zeros((0, 9, 3)), angles).shape == (0, 5, 9, 3)


def test_full_turn_leaves_out_the_end():
    np.testing.assert_allclose(np.rad2deg(full_turn(4)), [0, 90, 180, 270])


@pytest.mark.parametrize('turns', range(4))
def test_quarter_turns_of_a_square_footprint_are_rotations(turns):
    keypoints, _, _ = random_cuboid(dims=np.array([0.3, 0.5, 0.3]))
    rotated = rotate_about_up(keypoints, np.array([turns * np.pi / 2]))[0]
    np.testing.assert_allclose(keypoints[quarter_turn_order(turns)], rotated, atol=1e-12)


def test_relabelling_keeps_the_solid_and_its_pose():
    keypoints, rotation, location = random_cuboid()
    points, dims = relabel_cuboid(keypoints, DIMS)
    np.testing.assert_array_equal(points[0], keypoints)
    np.testing.assert_allclose(dims, [DIMS, DIMS[[2, 1, 0]], DIMS, DIMS[[2, 1, 0]]])
    for turns in range(4):
        assert {tuple(p) for p in points[turns]} == {tuple(p) for p in keypoints}
        turned = rotation @ Rotation.from_euler('y', turns * np.pi / 2).as_matrix()
        expected = cuboid_keypoints(dims[turns]) @ turned.T + location
        np.testing.assert_allclose(points[turns], expected, atol=1e-12)
