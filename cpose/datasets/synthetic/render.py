"""From a scene to its picture, far things first."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.camera_effects import apply_camera
from cpose.datasets.synthetic.painting.background import draw_room
from cpose.datasets.synthetic.painting.box_painter import FACE_CORNERS
from cpose.datasets.synthetic.painting.flat_items import (
    draw_flat_items,
    draw_loose_items,
    draw_slab,
)
from cpose.datasets.synthetic.painting.people import Look, draw_limbs, draw_people, sample_look
from cpose.datasets.synthetic.painting.raster import soften
from cpose.datasets.synthetic.painting.shadows import draw_shadow_on_boxes, draw_shadows
from cpose.datasets.synthetic.painting.upright_items import draw_upright_items
from cpose.datasets.synthetic.scene import Scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.base import Painting, View
from cpose.datasets.synthetic.shapes.carton import CartonForm
from cpose.datasets.synthetic.shapes.solids import Solid, draw_solid


def render_scene(rng: np.random.Generator, scene: Scene, realism: RealismSettings) -> np.ndarray:
    """Render a scene.

    Args:
        rng: Source of randomness for everything that the annotation does not tell.
        scene: What stands where.
        realism: What surrounds the boxes and what the camera does.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    camera = scene.camera
    image, support = draw_surroundings(rng, scene, realism)
    painted = _paint(rng, scene, realism)
    if rng.random() < realism.defocus:
        radius = max(1, round(max(camera.image_wh) / 512 * rng.uniform(1, 6)))
        image = soften(image, radius)
    if rng.random() < realism.reflection:
        image = _add_reflections(rng, image, scene, painted)
    if len(support) >= 3:
        draw_shadows(image, scene, support)
    _draw_things(rng, image, scene, painted)
    return apply_camera(rng, image, realism)


def draw_surroundings(
    rng: np.random.Generator, scene: Scene, realism: RealismSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Draw what is behind the boxes; return the picture and the outline of the support (N, 2)."""
    image, support, gap = draw_room(rng, scene)
    crowd = 2 if realism.negatives > 0 and not scene.boxes else 1
    if realism.people[1] > 0:
        draw_people(rng, image, support, _count(rng, realism.people))
    draw_upright_items(rng, image, scene, crowd * _count(rng, realism.upright_items), gap)
    if realism.loose_items[1] > 0:
        draw_loose_items(rng, image, scene.camera, crowd * _count(rng, realism.loose_items))
    draw_flat_items(rng, image, scene, support, crowd * _count(rng, realism.flat_items))
    return image, support


def _paint(rng: np.random.Generator, scene: Scene, realism: RealismSettings) -> dict[int, Painting]:
    """Paint all objects that have a form; keys are numbers as in the scene's order."""
    view = View(scene.camera, scene.light, realism, scene.boxes)
    painted = {}
    for number, item in enumerate(scene.items):
        if isinstance(item, Box):
            form = item.form or CartonForm(item.dims)
            painted[number] = form.paint(rng, item, view)
    return painted


def _draw_things(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, painted: dict[int, Painting]
) -> None:
    """Draw objects, hands and distractors, the farthest first, in place."""
    camera, light = scene.camera, scene.light
    looks = {number: sample_look(rng) for number in sorted({hand.box for hand in scene.hands})}
    for number in scene.order:
        item = scene.items[number]
        if isinstance(item, Solid):
            draw_solid(image, camera, item, light.direction, light.ambient)
            continue
        draw_shadow_on_boxes(image, scene, item)
        is_held = number < len(scene.boxes)
        with _held(image, scene, number, looks.get(number) if is_held else None):
            painted[number].draw(image, camera)
    if not scene.boxes:
        with _held(image, scene, 0, looks.get(0)):
            _draw_decoy(rng, image, scene)


def _draw_decoy(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> None:
    if scene.decoy:
        front = scene.decoy.keypoints_world[list(FACE_CORNERS['+z'])]
        draw_slab(rng, image, scene.camera, front)


@contextmanager
def _held(image: np.ndarray, scene: Scene, number: int, look: Look | None) -> Iterator[None]:
    """Draw hands behind a thing, then let it be drawn, then draw what of them is in front."""
    hands = [hand for hand in scene.hands if hand.box == number]
    if look is None or not hands:
        yield
        return
    for hand in hands:
        draw_limbs(image, hand.behind, look)
    yield
    for hand in hands:
        draw_limbs(image, hand.front, look, shadow=0.5)


def _count(rng: np.random.Generator, limits: tuple[int, int]) -> int:
    return int(rng.integers(limits[0], limits[1] + 1))


def _add_reflections(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, painted: dict[int, Painting]
) -> np.ndarray:
    mirrored = image.copy()
    for number in scene.order:
        if number in painted:
            painted[number].draw_mirrored(mirrored, scene.camera)
    mirrored = cv2.blur(mirrored, (3, 3))
    strength = rng.uniform(0.06, 0.3)
    return cv2.addWeighted(image, 1 - strength, mirrored, strength, 0)
