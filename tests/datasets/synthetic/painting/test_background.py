import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.painting.background import (
    SUPPORT_MATERIALS,
    WALL_MATERIALS,
    Wall,
    draw_room,
    sample_material,
)
from cpose.datasets.synthetic.painting.materials import MATERIALS

from ..scenes import make_scene


def test_supports_and_walls_are_of_known_materials():
    assert {*SUPPORT_MATERIALS.items, *WALL_MATERIALS.items} <= set(MATERIALS)


def test_wall_faces_the_camera():
    wall = Wall(np.array([0.0, 0.0, -3.0]), yaw=0.4)
    assert wall.along @ wall.normal == pytest.approx(0)
    assert (np.zeros(3) - wall.foot) @ wall.normal > 0


def test_room_has_a_support_under_every_box():
    scene = make_scene()
    for seed in range(12):
        image, support, gap = draw_room(np.random.default_rng(seed), scene)
        assert image.shape == (160, 200, 3)
        assert image.dtype == np.uint8
        assert gap > 0
        for corner in scene.camera.project(scene.boxes[0].keypoints_world[[1, 2, 5, 6]]):
            assert cv2.pointPolygonTest(support.astype(np.float32), corner.tolist(), False) >= 0


def test_rooms_differ():
    rooms = [draw_room(np.random.default_rng(seed), make_scene())[0] for seed in range(6)]
    means = np.array([room.mean(axis=(0, 1)) for room in rooms])
    assert means.std(axis=0).max() > 15


def test_room_without_boxes():
    image, _, gap = draw_room(np.random.default_rng(0), make_scene(boxes=[]))
    assert image.shape == (160, 200, 3)
    assert gap > 0


def test_wall_material_is_paler_than_the_floor():
    rng = np.random.default_rng(0)
    floors = [sample_material(rng, SUPPORT_MATERIALS, False, 1.0).table.mean() for _ in range(80)]
    walls = [sample_material(rng, WALL_MATERIALS, True, 1.0).table.mean() for _ in range(80)]
    assert np.mean(walls) > np.mean(floors) + 20
