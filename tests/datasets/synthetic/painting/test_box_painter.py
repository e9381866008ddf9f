from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.painting.box_painter import (
    FACE_CORNERS,
    PaintedFace,
    draw_box,
    mirror_faces,
    open_top,
    paint_flaps,
    paint_visible_faces,
)
from cpose.datasets.synthetic.painting.textures import sample_style
from cpose.datasets.synthetic.visibility import box_hull
from cpose.structures.cuboid import CORNER_SIGNS

from ..scenes import make_box, make_camera, make_light

COLOURS = {'+x': 40, '-x': 80, '+y': 120, '+z': 160, '-z': 200, '-y': 240}


def visible_names(camera, box):
    """Name the faces whose outer side the camera sees, from their axis and sign alone."""
    in_object = (camera.position - box.keypoints_world[0]) @ box.world_from_object
    names = [
        f'{"+" if side > 0 else "-"}{axis}' for axis, side in zip('xyz', in_object, strict=True)
    ]
    half = box.dims / 2
    return {n for n, value, h in zip(names, in_object, half, strict=True) if abs(value) > h}


def cast_rays(camera, box):
    """Return the colour of the face that each pixel's ray meets first, 0 for none."""
    height, width = camera.image_wh[::-1]
    found = np.zeros((height, width), dtype=np.uint8)
    origin = (camera.position - box.keypoints_world[0]) @ box.world_from_object
    for y in range(height):
        for x in range(width):
            ray = camera.ray_world(np.array([x, y])) @ box.world_from_object
            with np.errstate(divide='ignore'):
                bounds = np.stack([(-box.dims / 2 - origin) / ray, (box.dims / 2 - origin) / ray])
            enter, leave = bounds.min(axis=0), bounds.max(axis=0)
            if enter.max() < leave.min() and enter.max() > 0:
                axis = int(enter.argmax())
                found[y, x] = COLOURS[('-' if ray[axis] > 0 else '+') + 'xyz'[axis]]
    return found


@pytest.mark.parametrize('name', FACE_CORNERS)
def test_face_corners_lie_on_their_face_and_turn_the_right_way(name):
    corners = CORNER_SIGNS[np.array(FACE_CORNERS[name]) - 1]
    axis, sign = 'xyz'.index(name[1]), 1.0 if name[0] == '+' else -1.0
    assert (corners[:, axis] == sign).all()
    outward = np.cross(corners[3] - corners[0], corners[1] - corners[0])
    np.testing.assert_array_equal(np.sign(outward), np.eye(3)[axis] * sign)
    if axis != 1:
        assert corners[0, 1] == corners[1, 1] == 1


@pytest.mark.parametrize('yaw', [0.0, 0.5, 2.1, -2.6])
def test_visible_faces(yaw):
    camera, box, rng = make_camera(), make_box(yaw=yaw), np.random.default_rng(0)
    faces = paint_visible_faces(rng, camera, box, sample_style(rng), make_light())
    expected = visible_names(camera, box)
    names = {
        name
        for name, numbers in FACE_CORNERS.items()
        for face in faces
        if np.allclose(face.corners_world, box.keypoints_world[list(numbers)])
    }
    assert names == expected
    assert len(faces) == len(expected)


@pytest.mark.parametrize(('yaw', 'roll'), [(0.5, 0.05), (-0.9, -0.3)])
def test_drawing_agrees_with_casting_rays(yaw, roll):
    camera, box = make_camera(roll=roll, image_wh=(100, 80)), make_box(yaw=yaw)
    camera.intrinsics[:2] /= 2
    try:
        faces = [
            PaintedFace(
                np.full((20, 20, 3), COLOURS[name], dtype=np.uint8),
                box.keypoints_world[list(FACE_CORNERS[name])],
            )
            for name in visible_names(camera, box)
        ]
        image = np.zeros((80, 100, 3), dtype=np.uint8)
        draw_box(image, camera, faces)
        expected = cast_rays(camera, box)
    finally:
        camera.intrinsics[:2] *= 2
    around = np.ones((3, 3))
    is_off_edges = cv2.erode(expected, around) == cv2.dilate(expected, around)
    same = np.abs(image[..., 0].astype(int) - expected) < 3
    assert same[is_off_edges].mean() > 0.998
    overlap = ((image[..., 0] > 0) & (expected > 0)).sum() / (expected > 0).sum()
    assert overlap > 0.99


def test_faces_of_a_box_in_the_air_are_seen_from_below():
    camera = make_camera(pitch=0.0)
    tilt = cv2.Rodrigues(np.array([0.3, 0.1, 0.2]))[0]
    box = replace(make_box(yaw=0.6), tilt=tilt, level=1.0)
    rng = np.random.default_rng(0)
    faces = paint_visible_faces(rng, camera, box, sample_style(rng), make_light())
    assert '-y' in visible_names(camera, box)
    assert len(faces) == len(visible_names(camera, box))


def test_flaps_are_hinged_at_the_upper_edges():
    camera, box, rng = make_camera(), make_box(), np.random.default_rng(0)
    behind, front = paint_flaps(rng, camera, box, sample_style(rng), make_light())
    seen = visible_names(camera, box) - {'+y'}
    assert len(front) == len(seen)
    assert len(behind) + len(front) == 4
    for flap in (*behind, *front):
        np.testing.assert_allclose(flap.corners_world[2:, 1], box.dims[1])
        lengths = np.linalg.norm(flap.corners_world[:2] - flap.corners_world[3:1:-1], axis=1)
        assert (lengths < 0.62 * box.dims[[0, 2]].min()).all()


def test_the_inside_of_an_open_box_is_darker():
    camera, box, rng = make_camera(), make_box(), np.random.default_rng(0)
    faces = paint_visible_faces(rng, camera, box, sample_style(rng), make_light())
    number = next(
        k for k, face in enumerate(faces) if np.allclose(face.corners_world[:, 1], box.dims[1])
    )
    before = [face.texture.mean() for face in faces]
    open_top(rng, faces, box.world_from_object[:, 1])
    after = [face.texture.mean() for face in faces]
    assert after[number] < 0.75 * before[number]
    assert [k for k in range(len(faces)) if after[k] != before[k]] == [number]


def test_no_background_shines_through_inner_edges():
    camera, box = make_camera(), make_box()
    faces = [
        PaintedFace(
            np.full((20, 20, 3), 200, dtype=np.uint8),
            box.keypoints_world[list(FACE_CORNERS[name])],
        )
        for name in visible_names(camera, box)
    ]
    image = np.zeros((160, 200, 3), dtype=np.uint8)
    draw_box(image, camera, faces)
    hull = np.round(box_hull(camera, box.keypoints_world)).astype(np.int32)
    mask = cv2.fillConvexPoly(np.zeros((160, 200), np.uint8), hull, 1)
    inner = cv2.erode(mask, np.ones((5, 5))) > 0
    assert image[inner].min() >= 198


def test_lit_face_is_brighter():
    camera, box = make_camera(), make_box(yaw=0.0)
    style = sample_style(np.random.default_rng(3))
    light = make_light((0.0, 1.0, 0.0), ambient=0.2)
    tops, fronts = [], []
    for seed in range(10):
        faces = paint_visible_faces(np.random.default_rng(seed), camera, box, style, light)
        for face in faces:
            is_top = np.ptp(face.corners_world[:, 1]) == 0
            (tops if is_top else fronts).append(face.texture.mean())
    assert np.mean(tops) > 2 * np.mean(fronts)


def test_mirror_turns_sides_upside_down_and_drops_the_top():
    camera, box, rng = make_camera(), make_box(), np.random.default_rng(0)
    faces = paint_visible_faces(rng, camera, box, sample_style(rng), make_light())
    mirrored = mirror_faces(faces)
    assert len(mirrored) == len(faces) - 1
    for face in mirrored:
        assert face.corners_world[:, 1].max() == pytest.approx(0)
        assert face.corners_world[:, 1].min() == pytest.approx(-0.4)


def test_box_out_of_view_changes_nothing():
    camera, box = make_camera(), make_box(position=(9.0, -2.0))
    image = np.zeros((160, 200, 3), dtype=np.uint8)
    rng = np.random.default_rng(0)
    draw_box(image, camera, paint_visible_faces(rng, camera, box, sample_style(rng), make_light()))
    assert not image.any()
