import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.painting.box_painter import FACE_CORNERS
from cpose.datasets.synthetic.painting.flat_items import (
    draw_flat_items,
    draw_loose_items,
    draw_slab,
)

from ..scenes import make_box, make_camera, make_scene

WHOLE = np.array([(0.0, 0), (200, 0), (200, 160), (0, 160)])


def draw(support, count, seed=0):
    image = np.full((160, 200, 3), 128, dtype=np.uint8)
    draw_flat_items(np.random.default_rng(seed), image, make_scene(), support, count)
    return image


def test_items_lie_on_the_support():
    changed = [bool((draw(WHOLE, 6, seed) != 128).any()) for seed in range(8)]
    assert sum(changed) >= 6


def test_nothing_beyond_the_support():
    nowhere = WHOLE + 5000
    assert (draw(nowhere, 6) == 128).all()
    assert (draw(np.zeros((0, 2)), 6) == 128).all()
    assert (draw(WHOLE, 0) == 128).all()


@pytest.mark.parametrize('name', ['+z', '-z'])
def test_slab_fills_its_outline_from_both_sides(name):
    camera, box = make_camera(), make_box()
    corners = box.keypoints_world[list(FACE_CORNERS[name])]
    image = np.full((160, 200, 3), 255, dtype=np.uint8)
    draw_slab(np.random.default_rng(0), image, camera, corners)
    mask = np.zeros((160, 200), dtype=np.uint8)
    cv2.fillConvexPoly(mask, np.round(camera.project(corners)).astype(np.int32), 1)
    changed = (image != 255).any(axis=2)
    assert changed[cv2.erode(mask, np.ones((3, 3))) > 0].mean() > 0.95
    assert not changed[cv2.dilate(mask, np.ones((25, 25))) == 0].any()


def test_slab_behind_the_camera_is_left_out():
    image = np.zeros((160, 200, 3), dtype=np.uint8)
    corners = np.array([(-1.0, 1, 3), (1, 1, 3), (1, 0, 3), (-1, 0, 3)])
    draw_slab(np.random.default_rng(0), image, make_camera(), corners)
    assert not image.any()


def test_loose_items_are_as_many_as_asked_for():
    shares = []
    for count in (0, 1, 6):
        image = np.full((160, 200, 3), 255, dtype=np.uint8)
        draw_loose_items(np.random.default_rng(2), image, make_camera(), count)
        shares.append((image != 255).any(axis=2).mean())
    assert shares[0] == 0
    assert shares[0] < shares[1] < shares[2]
