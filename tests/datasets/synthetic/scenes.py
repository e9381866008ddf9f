"""A camera and boxes at known places, for the tests of the renderer."""

import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.camera import VirtualCamera, rotation_cv_from_world
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.scene import Scene

IMAGE_WH = (200, 160)
INTRINSICS = np.array([[180.0, 0, 102], [0, 176.0, 78], [0, 0, 1]])


def make_camera(pitch=0.4, roll=0.05, height=0.6, image_wh=IMAGE_WH):
    return VirtualCamera(image_wh, INTRINSICS, rotation_cv_from_world(pitch, roll), height)


def make_box(dims=(0.3, 0.4, 0.2), position=(0.0, -1.2), yaw=0.5):
    return Box(np.array(dims), np.array(position), yaw)


def make_light(direction=(0.0, 1.0, 0.0), ambient=0.5, shadow=0.6):
    unit = np.array(direction) / np.linalg.norm(direction)
    return Light(unit, ambient, shadow, softness=0.02)


def make_scene(boxes=None, solids=(), camera=None, light=None):
    boxes = [make_box()] if boxes is None else boxes
    count = len(boxes) + len(solids)
    return Scene(
        camera or make_camera(),
        boxes,
        list(solids),
        light or make_light(),
        np.ones(len(boxes)),
        list(range(count)),
    )
