"""Things that lie flat on the plane: papers, keyboards, phones, mats, cables."""

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera, lift
from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.palettes import sample_colour
from cpose.datasets.synthetic.raster import draw_quad, fill_polygon
from cpose.datasets.synthetic.scene import Scene
from cpose.datasets.synthetic.sheets import sample_sheet
from cpose.datasets.synthetic.visibility import outline_hull


def draw_flat_items(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, support: np.ndarray, count: int
) -> None:
    """Draw things on the plane around the boxes, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) uint8.
        scene: Camera and boxes; the boxes are drawn later and cover what they stand on.
        support: (N, 2) outline of the plane in the image; what would lie beyond it is left out.
        count: Number of things.
    """
    if len(support) < 3:
        return
    outline = support.astype(np.float32)
    extent, centre = _extent(scene)
    for _ in range(count):
        angle, reach = rng.uniform(0, 2 * np.pi), extent * rng.uniform(0.3, 3.0)
        position = centre + reach * np.array([np.cos(angle), np.sin(angle)])
        if not _is_on_support(scene.camera, outline, position):
            continue
        if rng.random() < 0.35:
            _draw_cable(rng, image, scene.camera, position, extent)
        else:
            _draw_sheet(rng, image, scene.camera, position, extent)


def _extent(scene: Scene) -> tuple[float, np.ndarray]:
    if scene.boxes:
        box = scene.boxes[0]
        return float(np.linalg.norm(box.dims)), box.position
    return scene.camera.height * 0.5, np.array([0.0, -2.0 * scene.camera.height])


def _is_on_support(camera: VirtualCamera, outline: np.ndarray, position: np.ndarray) -> bool:
    point = np.array([position[0], 0.0, position[1]])
    if camera.to_cv(point)[2] <= 0:
        return False
    return cv2.pointPolygonTest(outline, camera.project(point).tolist(), False) >= 0


def _draw_sheet(
    rng: np.random.Generator,
    image: np.ndarray,
    camera: VirtualCamera,
    position: np.ndarray,
    extent: float,
) -> None:
    texture, thickness = sample_sheet(rng)
    ratio = texture.shape[0] / texture.shape[1]
    long = extent * log_uniform(rng, 0.25, 1.3)
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(angle), np.sin(angle)])
    across, down = axis * long / 2, np.array([-axis[1], axis[0]]) * long * ratio / 2
    flat = position + np.array([-across - down, across - down, across + down, -across + down])
    top = lift(flat, thickness * long)
    if camera.to_cv(top)[:, 2].min() < 0.1 * long or camera.height < 2 * thickness * long:
        return
    dark = np.full(3, rng.uniform(5, 60))
    if thickness > 0:
        fill_polygon(image, outline_hull(camera, np.concatenate([top, top * (1, 0, 1)])), dark)
    draw_quad(image, texture, camera.project(top))


def _draw_cable(
    rng: np.random.Generator,
    image: np.ndarray,
    camera: VirtualCamera,
    position: np.ndarray,
    extent: float,
) -> None:
    steps = rng.normal(0, 0.35, 40).cumsum() + rng.uniform(0, 6.28)
    path = position + np.array([np.cos(steps), np.sin(steps)]).cumsum(1).T * extent * 0.06
    world = lift(path, 0.0)
    depths = camera.to_cv(world)[:, 2]
    if depths.min() < 0.1 * extent:
        return
    pixels = np.round(camera.project(world) * 16).astype(np.int32)
    radius = extent * rng.uniform(0.006, 0.02)
    thickness = min(max(int(camera.intrinsics[0, 0] * radius * 2 / depths.mean()), 1), 12)
    grey = rng.uniform(5, 50) if rng.random() < 0.7 else rng.uniform(180, 240)
    colour = sample_colour(rng) if rng.random() < 0.15 else np.full(3, grey)
    shadow = pixels + np.array([0, thickness * 10], dtype=np.int32)
    cv2.polylines(image, [shadow], False, (colour * 0.4).tolist(), thickness, cv2.LINE_AA, 4)
    cv2.polylines(image, [pixels], False, colour.tolist(), thickness, cv2.LINE_AA, 4)
