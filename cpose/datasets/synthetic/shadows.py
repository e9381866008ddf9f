"""Soft shadows on the support plane, at a quarter of the resolution."""

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.polygons import fill_convex
from cpose.datasets.synthetic.scene import Light, Scene

REDUCTION = 4


def draw_shadows(image: np.ndarray, scene: Scene, support: np.ndarray) -> None:
    """Darken the plane where boxes and solids keep the light away, in place.

    Args:
        image: (H, W, 3) uint8.
        scene: Boxes, solids, camera and light.
        support: (N, 2) outline of the plane in the image; nothing beyond it is darkened.
    """
    camera, light = scene.camera, scene.light
    wh = tuple(-(-side // REDUCTION) for side in camera.image_wh)
    darkness = np.zeros(wh[::-1], dtype=np.uint8)
    standing = [(box.keypoints_world[1:], box.footprint) for box in scene.boxes]
    standing += [(solid.outline_world, solid.footprint) for solid in scene.solids]
    for points, footprint in standing:
        _add_cast_shadow(darkness, camera, light, points)
        _add_contact_shadow(darkness, camera, light, footprint)
    mask = np.zeros_like(darkness)
    fill_convex(mask, _reduced(support), 255)
    on_support = cv2.multiply(darkness, mask, scale=1 / 255)
    shade = cv2.resize(255 - on_support, camera.image_wh, interpolation=cv2.INTER_LINEAR)
    cv2.multiply(image, cv2.merge([shade] * 3), dst=image, scale=1 / 255)


def _add_cast_shadow(
    darkness: np.ndarray, camera: VirtualCamera, light: Light, points_world: np.ndarray
) -> None:
    along = light.direction / light.direction[1]
    shifted = points_world - points_world[:, 1:2] * along
    outline = cv2.convexHull(shifted[:, [0, 2]].astype(np.float32))[:, 0]
    _add_polygon(darkness, camera, outline, light.shadow, light.softness)


def _add_contact_shadow(
    darkness: np.ndarray, camera: VirtualCamera, light: Light, footprint: np.ndarray
) -> None:
    centre = footprint.mean(axis=0)
    for growth, softness, strength in ((1.05, 0.02, 0.55), (1.25, 0.12, 0.3)):
        grown = (footprint - centre) * growth + centre
        _add_polygon(darkness, camera, grown, strength * (0.4 + light.shadow), softness)


def _add_polygon(
    darkness: np.ndarray,
    camera: VirtualCamera,
    outline: np.ndarray,
    strength: float,
    softness: float,
) -> None:
    world = np.stack([outline[:, 0], np.zeros(len(outline)), outline[:, 1]], axis=1)
    polygon = camera.project_polygon(world)
    if len(polygon) < 3:
        return
    layer = np.zeros_like(darkness)
    value = int(255 * min(strength, 0.95))
    fill_convex(layer, _reduced(polygon), value)
    limit = max(camera.image_wh)
    size = float(np.ptp(np.clip(polygon, -limit, 2 * limit), axis=0).max())
    sigma = max(size * softness / REDUCTION / 2, 0.6)
    layer = cv2.GaussianBlur(layer, (0, 0), min(sigma, 12.0))
    kept = cv2.multiply(255 - darkness, 255 - layer, scale=1 / 255)
    np.subtract(255, kept, out=darkness)


def _reduced(polygon: np.ndarray) -> np.ndarray:
    return np.asarray((polygon + 0.5) / REDUCTION - 0.5)
