from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.geometry.projection import project_points
from cpose.structures.cuboid import EDGES
from cpose.structures.object_pose import Track
from cpose.visualization.pose_drawer import (
    AXIS_COLORS,
    FRONT_FACE,
    PALETTE,
    PoseDrawer,
    hidden_edges,
    object_axes,
)

from .scenes import CAMERA, flat_object, grey_image, posed_object, result_of

PLAIN = PoseDrawer(show_axes=False, show_points=False, show_labels=False)


def count_color(image, color):
    return (np.abs(image - np.array(color)) < 25).all(axis=2).sum()


def test_input_is_left_alone():
    image = grey_image()
    drawn = PoseDrawer().draw(image, result_of(posed_object()))
    assert (image == 128).all()
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (drawn != 128).any()


def test_tracks_have_their_colour_number_and_trail():
    pose = posed_object()
    trail = np.array([[10.0, 15.0], [10.0, 60.0], pose.keypoints_image[0]])
    tracked = replace(pose, track=Track(3, 5, trail))
    drawn = PLAIN.draw(grey_image(), result_of(tracked))
    assert count_color(drawn, PALETTE[3]) > 100
    assert count_color(drawn[20:55, 5:15], PALETTE[3]) > 30
    assert count_color(drawn, PALETTE[pose.label]) == 0
    assert PoseDrawer(['cup'])._label(tracked)[0].startswith('cup #3 ')


def test_without_objects_nothing_is_drawn():
    np.testing.assert_array_equal(PoseDrawer().draw(grey_image(), result_of()), grey_image())


@pytest.mark.parametrize('axis', range(3), ids=['x_red', 'y_green', 'z_blue'])
def test_axes_have_their_color_and_length(axis):
    pose = posed_object()
    drawer = PoseDrawer(axis_length=0.7, show_points=False, show_labels=False)
    drawn = drawer.draw(grey_image(), result_of(pose))
    direction = Rotation.from_quat(pose.quaternion_xyzw).as_matrix()[:, axis]
    for part, expected in ((0.6, True), (1.25, False)):
        point = pose.location_cv + part * 0.7 * direction
        x, y = np.round(project_points(point, CAMERA)).astype(int)
        assert (tuple(drawn[y, x]) == AXIS_COLORS[axis]) == expected
    red, green, blue = (AXIS_COLORS[0][2], AXIS_COLORS[1][1], AXIS_COLORS[2][0])
    assert min(red, green, blue) > 180


def test_object_axes_are_the_rotation():
    pose = posed_object()
    expected = Rotation.from_quat(pose.quaternion_xyzw).as_matrix().T
    np.testing.assert_allclose(object_axes(pose.keypoints_cv), expected, atol=1e-12)


@pytest.mark.parametrize('seed', range(5))
def test_hidden_edges_lie_behind_the_box(seed):
    """Independent rule: the line of sight to the middle of a hidden edge enters the box before."""
    rng = np.random.default_rng(seed)
    turn = Rotation.random(random_state=rng)
    pose = posed_object((0.4, -0.3, 3.0), turn.as_rotvec())
    half = np.array([1.2, 1.0, 0.8]) / 2
    camera = turn.inv().apply(-pose.location_cv)
    corners = turn.inv().apply(pose.keypoints_cv[1:] - pose.location_cv)
    expected = set()
    for a, b in EDGES:
        middle = (corners[a] + corners[b]) / 2
        before = camera + (middle - camera) * np.linspace(0.5, 0.999, 2000)[:, None]
        if (np.abs(before) < half).all(axis=1).any():
            expected.add((a, b))
    assert hidden_edges(pose.keypoints_cv) == expected
    assert len(expected) in (3, 4, 5)


def test_front_face_is_tinted():
    turn = (np.pi, 0.0, 0.0)  # front towards the camera, up upwards
    pose = posed_object(turn=turn, dims=(1.0, 1.0, 0.1))
    drawn = PLAIN.draw(grey_image(), result_of(pose))
    x, y = np.round(pose.corners_image[FRONT_FACE].mean(axis=0)).astype(int)
    expected = 0.78 * 128 + 0.22 * np.array(PALETTE[0])
    np.testing.assert_allclose(drawn[y, x], expected, atol=2)


def test_edges_of_objects_without_pose():
    corners = posed_object().corners_image
    drawn = PoseDrawer().draw(grey_image(), result_of(flat_object(corners), intrinsics=None))
    assert count_color(drawn, PALETTE[1]) > 100
    for color in AXIS_COLORS:
        assert count_color(drawn, color) == 0


def test_pose_without_camera_has_no_axes():
    drawn = PoseDrawer().draw(grey_image(), result_of(posed_object(), intrinsics=None))
    assert count_color(drawn, AXIS_COLORS[0]) == 0


@pytest.mark.slow
def test_lines_grow_with_the_image():
    small = PLAIN.draw(grey_image(), result_of(posed_object()))
    camera = CAMERA * [[4], [4], [1]]
    large_object = posed_object(camera=camera)
    large = PLAIN.draw(grey_image((3200, 2400)), result_of(large_object))
    ratio = count_color(large, PALETTE[0]) / count_color(small, PALETTE[0])
    assert ratio > 10  # 4 from the length and the rest from the width


@pytest.mark.parametrize('bad', [np.nan, np.inf, 1e12])
def test_wild_corners_do_not_stop_drawing(bad):
    corners = posed_object().corners_image.copy()
    corners[3] = bad
    results = result_of(flat_object(corners), posed_object((1.0, 0.0, 4.0)))
    assert (PoseDrawer().draw(grey_image(), results) != 128).any()
    drawn = PLAIN.draw(grey_image(), results)
    alone = PLAIN.draw(grey_image(), result_of(*results.poses[1:]))
    assert count_color(drawn, PALETTE[0]) == pytest.approx(count_color(alone, PALETTE[0]), rel=0.1)
    assert count_color(drawn, PALETTE[1]) > 100  # the edges between its other corners


def test_axes_are_as_long_for_the_same_object_in_another_unit():
    pictures = []
    for scale in (1.0, 0.1):
        pose = posed_object((0.1 * scale, 0.0, 4.0 * scale), dims=np.array((1.2, 1.0, 0.8)) * scale)
        drawer = PoseDrawer(show_labels=False)
        pictures.append(drawer.draw(grey_image(), result_of(pose)))
    np.testing.assert_array_equal(*pictures)


def test_axes_that_reach_behind_the_camera_are_left_out():
    pose = posed_object((0.0, 0.0, 0.3), (np.pi, 0, 0), (0.1, 0.1, 0.1))
    drawer = PoseDrawer(axis_length=5.0, show_points=False)
    drawn = drawer.draw(grey_image(), result_of(pose))
    assert count_color(drawn, AXIS_COLORS[0]) == 0


def test_switches_and_names():
    results = result_of(posed_object())
    plain = PLAIN.draw(grey_image(), results)
    for switch in ('show_axes', 'show_points', 'show_labels'):
        settings = {'show_axes': False, 'show_points': False, 'show_labels': False, switch: True}
        assert (PoseDrawer(**settings).draw(grey_image(), results) != plain).any(), switch
    drawer = PoseDrawer(categories=('cup',))
    assert drawer._label(posed_object()) == ['cup 0.87', '1.200 / 1.000 / 0.800']
    assert drawer._label(flat_object(np.zeros((8, 2))))[0] == 'object 1 0.50'


def test_several_categories_have_a_legend():
    pose = posed_object()
    results = result_of(replace(pose, label=1), replace(pose, label=1))
    one, two = (PoseDrawer(names, show_axes=False, show_points=False) for names in ('a', 'ab'))
    corner = (slice(-14, None), slice(0, 4))
    assert count_color(two.draw(grey_image(), results)[corner], PALETTE[1]) > 5
    assert count_color(one.draw(grey_image(), results)[corner], PALETTE[1]) == 0
    assert two._legend(results) == [('b 2', PALETTE[1])]
    tracked = replace(pose, track=Track(1, 1, np.zeros((1, 2))))
    assert two._legend(result_of(tracked)) == []
