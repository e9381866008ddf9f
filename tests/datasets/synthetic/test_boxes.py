import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.boxes import ROTATIONS, Box, relabel_by_view

from .scenes import make_box, make_camera


def tilted_box(axis=(1.0, 0.3, 0.2), angle=0.7, level=0.1):
    tilt = cv2.Rodrigues(np.array(axis) / np.linalg.norm(axis) * angle)[0]
    return Box(np.array([0.3, 0.4, 0.2]), np.array([0.1, -1.5]), 0.4, tilt, level)


def sorted_corners(box):
    return np.array(sorted(np.round(box.keypoints_world[1:], 9).tolist()))


def test_lowest_corner_of_a_tilted_box_is_at_its_level():
    box = tilted_box(level=0.25)
    heights = box.keypoints_world[1:, 1]
    assert heights.min() == pytest.approx(0.25)
    assert box.heights == pytest.approx((heights.min(), heights.max()))
    np.testing.assert_allclose(box.keypoints_world[0, [0, 2]], [0.1, -1.5])
    assert not box.is_upright
    assert box.is_floating
    assert not box.is_standing


def test_footprint_contains_all_corners():
    box = tilted_box()
    outline = box.footprint.astype(np.float32)
    for corner in box.keypoints_world[1:, [0, 2]]:
        assert cv2.pointPolygonTest(outline, corner.tolist(), True) > -1e-6


def test_boxes_that_stand_are_carried_on_any_level():
    on_the_plane, on_a_box = make_box(), Box(np.ones(3), np.zeros(2), 0.4, level=0.5)
    assert on_the_plane.is_standing
    assert not on_a_box.is_standing
    assert not on_a_box.is_floating


def test_there_are_24_ways_to_name_the_axes():
    assert len({tuple(turn.ravel()) for turn in ROTATIONS}) == 24
    for turn in ROTATIONS:
        np.testing.assert_array_equal(turn @ turn.T, np.eye(3))
        assert np.linalg.det(turn) == 1


@pytest.mark.parametrize('number', range(24))
def test_names_depend_on_the_solid_alone(number):
    camera, box, turn = make_camera(), tilted_box(), ROTATIONS[number]
    world = box.world_from_object @ turn
    other = Box(np.abs(turn.T) @ box.dims, box.position, 0.0, world, box.level)
    np.testing.assert_allclose(sorted_corners(other), sorted_corners(box))
    named, again = relabel_by_view(box, camera), relabel_by_view(other, camera)
    np.testing.assert_allclose(named.keypoints_world, again.keypoints_world, atol=1e-12)
    np.testing.assert_allclose(sorted_corners(named), sorted_corners(box), atol=1e-9)
    assert np.linalg.det(named.world_from_object) == pytest.approx(1)


@pytest.mark.parametrize('pitch', [-0.2, 0.05, 0.4, 0.9, 1.25])
@pytest.mark.parametrize('yaw', [0.0, 0.8, 2.5])
def test_what_stands_keeps_its_up_axis_from_wherever_it_is_seen(pitch, yaw):
    camera = make_camera(pitch=pitch, roll=0.0, height=1.0)
    middle = 1.2 * camera.cv_from_world[2] + camera.position
    box = Box(np.array([0.2, 0.3, 0.25]), middle[[0, 2]], yaw, level=middle[1] - 0.15)
    np.testing.assert_allclose(relabel_by_view(box, camera).world_from_object[:, 1], [0, 1, 0])


def test_upside_down_in_a_picture_is_named_by_the_picture():
    camera = make_camera(pitch=0.0, roll=np.pi, height=0.3)
    box = relabel_by_view(make_box(), camera)
    np.testing.assert_allclose(box.world_from_object[:, 1], [0, -1, 0], atol=1e-9)
