"""Soft shadows on the support plane, at a quarter of the resolution, and on boxes."""

from statistics import median

import cv2
import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.camera import VirtualCamera, lift
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.painting.raster import (
    bounding_rectangle,
    is_empty,
    polygon_coverage,
    soften,
)
from cpose.datasets.synthetic.placing import GAP
from cpose.datasets.synthetic.polygons import fill_convex
from cpose.datasets.synthetic.scene import Scene
from cpose.datasets.synthetic.shapes.solids import Solid

REDUCTION = 4


def draw_shadows(image: np.ndarray, scene: Scene, support: np.ndarray) -> None:
    """Darken the plane where boxes and solids keep the light away, in place.

    Args:
        image: (H, W, 3) uint8.
        scene: Boxes, solids, camera and light.
        support: (N, 2) outline of the plane in the image; nothing beyond it is darkened.
    """
    camera = scene.camera
    wh = tuple(-(-side // REDUCTION) for side in camera.image_wh)
    kept = np.full(wh[::-1], 255, dtype=np.uint8)
    for softness, strength, outlines in _shadow_layers(scene):
        _multiply_layer(kept, camera, outlines, strength, softness)
    mask = np.zeros_like(kept)
    fill_convex(mask, _reduced(support), 255)
    light = cv2.bitwise_or(kept, cv2.bitwise_not(mask))
    shade = cv2.resize(light, camera.image_wh, interpolation=cv2.INTER_LINEAR)
    cv2.multiply(image, cv2.merge([shade] * 3), dst=image, scale=1 / 255)


def draw_shadow_on_boxes(image: np.ndarray, scene: Scene, box: Box) -> None:
    """Darken what carries a box around its bottom, in place; nothing if that is the plane."""
    if box.level == 0 or not box.is_upright:
        return
    grown = _grown(box.footprint, 1.2).astype(np.float32)
    for base in scene.boxes:
        if abs(box.level - base.heights[1]) > 2 * GAP:
            continue
        shared = cv2.intersectConvexConvex(grown, base.footprint.astype(np.float32))[1]
        if shared is None:
            continue
        outline = scene.camera.project_polygon(lift(shared.reshape(-1, 2), box.level))
        rectangle = bounding_rectangle(outline, scene.camera.image_wh)
        if not is_empty(rectangle):
            left, top, right, bottom = rectangle
            part = image[top:bottom, left:right]
            shade = polygon_coverage(outline, rectangle)
            light = cv2.addWeighted(shade, -0.45, shade, 0.0, 255.0)
            cv2.multiply(part, cv2.merge([light] * 3), dst=part, scale=1 / 255)


def _shadow_layers(scene: Scene) -> list[tuple[float, float, list[np.ndarray]]]:
    """Return softness, darkness and outlines on the plane (X, Z) of each kind of shadow."""
    light = scene.light
    boxes = [*scene.boxes, *(item for item in scene.solids if isinstance(item, Box))]
    solids = [item for item in scene.solids if isinstance(item, Solid)]
    round_outlines = [solid.outline_world for solid in solids]
    carried = [box.outline_world for box in boxes if not box.is_floating]
    floating = [box.outline_world for box in boxes if box.is_floating]
    touching = [box.footprint for box in boxes if box.level == 0 and box.is_upright]
    touching += [solid.footprint for solid in solids]
    contact = 0.4 + light.shadow
    layers = [
        (
            light.softness,
            light.shadow,
            [_cast_outline(light, item) for item in carried + round_outlines],
        ),
        (0.02, 0.55 * contact, [_grown(item, 1.05) for item in touching]),
        (0.12, 0.3 * contact, [_grown(item, 1.25) for item in touching]),
    ]
    if floating:
        layers.append((0.2, 0.6 * light.shadow, [_cast_outline(light, item) for item in floating]))
    return layers


def _cast_outline(light: Light, points_world: np.ndarray) -> np.ndarray:
    along = light.direction / light.direction[1]
    shifted = points_world - points_world[:, 1:2] * along
    return np.asarray(cv2.convexHull(shifted[:, [0, 2]].astype(np.float32))[:, 0])


def _grown(footprint: np.ndarray, factor: float) -> np.ndarray:
    centre = footprint.mean(axis=0)
    return np.asarray((footprint - centre) * factor + centre)


def _multiply_layer(
    kept: np.ndarray,
    camera: VirtualCamera,
    outlines: list[np.ndarray],
    strength: float,
    softness: float,
) -> None:
    layer = np.zeros_like(kept)
    sizes = []
    for outline in outlines:
        polygon = camera.project_polygon(lift(outline, 0.0))
        if len(polygon) >= 3:
            fill_convex(layer, _reduced(polygon), int(255 * min(strength, 0.95)))
            sizes.append(float(np.ptp(_reduced(polygon), axis=0).max()))
    if sizes:
        radius = min(max(int(2.45 * median(sizes) * softness), 1), 30)
        layer = soften(layer, radius)
        cv2.multiply(kept, cv2.bitwise_not(layer), dst=kept, scale=1 / 255)


def _reduced(polygon: np.ndarray) -> np.ndarray:
    return np.asarray((polygon + 0.5) / REDUCTION - 0.5)
