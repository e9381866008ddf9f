from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.shapes.solids import Solid
from cpose.datasets.synthetic.visibility import (
    Outline,
    box_hull,
    inside_fraction,
    is_nearer,
    measure_visibility,
    outline_hull,
    sort_far_to_near,
)

from .scenes import make_box, make_camera


def make_pole(position, radius=0.05, height=1.0):
    profile = np.array([(radius, 0.0), (radius, height)])
    return Solid(np.array(position), profile, np.zeros((2, 3)))


def test_hull_is_around_all_corners():
    camera, box = make_camera(), make_box()
    hull = box_hull(camera, box.keypoints_world)
    for point in camera.project(box.keypoints_world).astype(np.float32):
        assert cv2.pointPolygonTest(hull, point.tolist(), True) >= -1e-3
    assert len(outline_hull(camera, box.keypoints_world[1:])) == len(hull)


@pytest.mark.parametrize(('left', 'expected'), [(0.0, 0.975), (-10.5, 0.5), (30.0, 0.0)])
def test_inside_fraction(left, expected):
    """Pixels have their centres at integers: 20 of them end at 19.5."""
    square = np.array([(left, 5), (left + 20, 5), (left + 20, 15), (left, 15)])
    assert inside_fraction(square, (20, 20)) == pytest.approx(expected, abs=1e-6)


def test_nearer_thing_is_painted_later():
    near, far = make_box(position=(0.1, -0.9)), make_box(position=(0.0, -1.6))
    outlines = tuple(Outline(box.footprint, box.heights) for box in (near, far))
    assert is_nearer(*outlines, 0.6)
    assert not is_nearer(*outlines[::-1], 0.6)
    assert sort_far_to_near([near, far], 0.6) == [1, 0]


def test_order_follows_the_separating_line_not_the_distance():
    wall = make_box(dims=(3.0, 0.4, 0.1), position=(1.2, -1.2), yaw=0.0)
    behind = make_box(dims=(0.1, 0.4, 0.1), position=(0.0, -1.4), yaw=0.0)
    assert np.linalg.norm(behind.position) < np.linalg.norm(wall.position)
    assert sort_far_to_near([behind, wall], 0.6) == [0, 1]


@pytest.mark.parametrize(('height', 'expected'), [(0.6, [0, 1]), (0.2, [1, 0])])
def test_order_of_a_stack_follows_the_height_of_the_camera(height, expected):
    lower = make_box()
    upper = replace(make_box(yaw=0.3), level=lower.heights[1])
    assert sort_far_to_near([lower, upper], height) == expected


def test_no_things_have_no_order():
    assert sort_far_to_near([], 0.6) == []


def test_visible_share_of_a_covered_box():
    camera = make_camera(pitch=0.4, roll=0.0)
    near, far = make_box(position=(0.0, -0.9)), make_box(position=(0.0, -1.6))
    order = sort_far_to_near([near, far], 0.6)
    visible = measure_visibility(camera, [near, far], [], order)
    masks = []
    for box in (near, far):
        mask = np.zeros((160, 200), dtype=np.uint8)
        hull = np.round(box_hull(camera, box.keypoints_world)).astype(np.int32)
        masks.append(cv2.fillConvexPoly(mask, hull, 1) > 0)
    shown = (masks[1] & ~masks[0]).sum() / masks[1].sum()
    assert visible[0] == 1.0
    assert 0.1 < shown < 0.9
    assert visible[1] == pytest.approx(shown, abs=0.03)


def test_solid_in_front_covers_and_behind_does_not():
    camera, box = make_camera(roll=0.0), make_box()
    for position, is_covered in (((0.0, -0.8), True), ((0.0, -1.8), False)):
        pole = make_pole(position)
        order = sort_far_to_near([box, pole], 0.6)
        visible = measure_visibility(camera, [box], [pole], order)
        assert (visible[0] < 0.9) == is_covered


def test_outside_of_the_image_is_not_seen():
    camera = make_camera(roll=0.0)
    box = make_box(position=(0.66, -1.2), yaw=0.0)
    hull = box_hull(camera, box.keypoints_world)
    visible = measure_visibility(camera, [box], [], [0])
    assert 0.2 < visible[0] < 0.8
    assert visible[0] == pytest.approx(inside_fraction(hull, camera.image_wh), abs=1e-4)
