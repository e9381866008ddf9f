"""Flat things that stand or hang upright behind the boxes: screens, pictures, windows, shelves."""

import numpy as np

from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.panels import sample_panel
from cpose.datasets.synthetic.raster import draw_quad, fill_polygon
from cpose.datasets.synthetic.scene import Scene


def draw_upright_items(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, count: int, gap: float
) -> None:
    """Draw panels between the boxes and the wall, the farthest first, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) uint8.
        scene: Camera and boxes.
        count: Number of panels.
        gap: Metres from the boxes back to the wall.
    """
    back = min((part[:, 1].min() for part in scene.footprints), default=-2 * scene.camera.height)
    for share in np.sort(rng.uniform(0.25, 0.98, count))[::-1]:
        _draw_panel(rng, image, scene, float(back - gap * share), gap)


def _draw_panel(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, depth: float, gap: float
) -> None:
    camera = scene.camera
    yaw = rng.normal(0, 0.25)
    along = np.array([np.cos(yaw), 0.0, np.sin(yaw)])
    width = abs(depth) * log_uniform(rng, 0.12, 0.9)
    height = width * log_uniform(rng, 0.45, 1.5)
    foot = np.array([abs(depth) * rng.uniform(-0.9, 0.9), 0.0, depth])
    foot[1] = height * rng.uniform(0.05, 0.5) if rng.random() < 0.7 else 0.0
    half, up = along * width / 2, np.array([0.0, height, 0.0])
    top_left, top_right = foot - half + up, foot + half + up
    corners = np.array([top_left, top_right, foot + half, foot - half])
    if camera.to_cv(corners)[:, 2].min() < 0.1 * gap + 0.02:
        return
    kind, texture = sample_panel(rng)
    if kind == 'screen':
        _draw_stand(rng, image, scene, foot, half)
    draw_quad(image, texture, camera.project(corners))


def _draw_stand(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, foot: np.ndarray, half: np.ndarray
) -> None:
    colour = np.full(3, rng.uniform(15, 120))
    ground = foot * (1.0, 0.0, 1.0)
    neck = half * rng.uniform(0.1, 0.25)
    pole = np.array([foot - neck, foot + neck, ground + neck, ground - neck])
    wide = half * rng.uniform(0.3, 0.6)
    deep = np.array([-wide[2], 0.0, wide[0]]) * 0.7
    plate = np.array([ground - wide - deep, ground + wide - deep, ground + wide + deep])
    plate = np.concatenate([plate, [ground - wide + deep]])
    fill_polygon(image, scene.camera.project_polygon(plate), colour * 0.8)
    fill_polygon(image, scene.camera.project_polygon(pole), colour)
