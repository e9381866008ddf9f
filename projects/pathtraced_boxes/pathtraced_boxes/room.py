"""What surrounds the boxes of a path-traced picture, as data; nothing here needs Blender."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.datasets.synthetic.painting.background import (
    SUPPORT_MATERIALS,
    WALL_MATERIALS,
    sample_material,
)
from cpose.datasets.synthetic.painting.box_painter import FACE_CORNERS
from cpose.datasets.synthetic.painting.flat_items import sample_sheet
from cpose.datasets.synthetic.painting.materials import material_pyramid
from cpose.datasets.synthetic.painting.textures import paint_face, sample_style
from cpose.datasets.synthetic.painting.upright_items import sample_panel
from cpose.datasets.synthetic.placing import collides
from cpose.datasets.synthetic.scene import Scene
from cpose.datasets.synthetic.shapes.carton import CartonForm, print_faces

from .assets import Assets

TEXTURE_SIDE = 320
"""Longer side of a face's print, pixels."""
FAR = 12.0
"""Half the side of a floor in multiples of the distance to the boxes."""


@dataclass(frozen=True)
class Quad:
    """A flat rectangle with a picture on it.

    Attributes:
        corners_world: (4, 3) top left, top right, bottom right, bottom left, metres.
        texture: (h, w, 3) uint8 BGR.
        repeat: How often the texture lies side by side and one below the other.
        roughness: Of the surface, 0 mirrors, 1 is matt.
        glow: Light that it gives, as a multiple of its colour; 0 for none.
    """

    corners_world: np.ndarray
    texture: np.ndarray
    repeat: tuple[float, float] = (1.0, 1.0)
    roughness: float = 0.6
    glow: float = 0.0


@dataclass(frozen=True)
class Model:
    """A piece of furniture as a distractor.

    Attributes:
        file: The .obj file.
        position: (2,) world X and Z of its middle.
        yaw: Turn about the world's Y axis, radians.
        size: Metres of its longest side.
    """

    file: Path
    position: np.ndarray
    yaw: float
    size: float


@dataclass(frozen=True)
class Room:
    """Everything that a picture shows besides what the scene names.

    Attributes:
        faces: Printed faces of all boxes.
        surfaces: Floor, table, walls, and flat things on them.
        models: Furniture.
        sky: Panorama that lights the picture; None for grey light from everywhere.
        sky_yaw: Turn of the panorama, radians.
        sun: Strength of the lamp of the scene, relative to the sky.
        exposure: Mean brightness of the picture, 0 to 1.
        look: Blender's view transform.
    """

    faces: list[Quad]
    surfaces: list[Quad]
    models: list[Model]
    sky: Path | None
    sky_yaw: float
    sun: float
    exposure: float
    look: str


def sample_room(rng: np.random.Generator, scene: Scene, assets: Assets) -> Room:
    """Sample prints, surfaces, furniture and light for a scene.

    Args:
        rng: The only source of randomness.
        scene: Camera, boxes and solids.
        assets: Skies and furniture.
    """
    faces = [face for box in scene.boxes for face in _paint_box(rng, box)]
    surfaces = list(_sample_surfaces(rng, scene))
    models = list(_sample_models(rng, scene, assets.models))
    sky = assets.skies[int(rng.integers(len(assets.skies)))] if assets.skies else None
    return Room(
        faces,
        surfaces,
        models,
        sky,
        sky_yaw=rng.uniform(0, 2 * np.pi),
        sun=log_uniform(rng, 0.2, 5.0) if rng.random() < 0.6 else 0.0,
        exposure=rng.uniform(0.22, 0.55),
        look=('Standard', 'AgX', 'Filmic')[int(rng.integers(3))],
    )


def _paint_box(rng: np.random.Generator, box: Box) -> Iterator[Quad]:
    if isinstance(box.form, CartonForm) and box.form.print_seed is not None:
        roughness = rng.uniform(0.3, 0.7)
        for name, texture in print_faces(box.form.print_seed, box.form.dims).items():
            corners = box.keypoints_world[list(FACE_CORNERS[name])]
            yield Quad(corners, texture, roughness=roughness)
        return
    style = sample_style(rng)
    roughness = rng.uniform(0.6, 0.95) if style.kind == 'cardboard' else rng.uniform(0.2, 0.8)
    for name, numbers in FACE_CORNERS.items():
        corners = box.keypoints_world[list(numbers)]
        texture = paint_face(rng, style, _texture_wh(corners), is_main=name in ('+z', '-z', '+y'))
        yield Quad(corners, texture, roughness=roughness)


def _texture_wh(corners: np.ndarray) -> tuple[int, int]:
    sides = np.linalg.norm(corners[[1, 3]] - corners[0], axis=1)
    width, height = np.maximum(12, np.round(sides * TEXTURE_SIDE / sides.max())).astype(int)
    return int(width), int(height)


def _sample_surfaces(rng: np.random.Generator, scene: Scene) -> Iterator[Quad]:
    """Sample floor or table, walls, sheets on the support and panels behind."""
    spots = np.concatenate([*scene.footprints, [[0.0, -scene.camera.height]]])
    reach = float(np.linalg.norm(spots, axis=1).max())
    is_table = rng.random() < 0.5
    floor = -reach * rng.uniform(0.4, 1.0) if is_table else 0.0
    if is_table:
        margin = reach * rng.uniform(0.05, 1.0, 4)
        low, high = spots.min(axis=0) - margin[:2], spots.max(axis=0) + margin[2:]
        yield from _slab(rng, low, high, thickness=reach * rng.uniform(0.02, 0.06))
    yield _tiled(rng, _level(-FAR * reach, FAR * reach, floor), SUPPORT_MATERIALS, reach)
    back = spots[:, 1].min() - reach * log_uniform(rng, 0.1, 2.0)
    walls = int(rng.choice(3, p=(0.4, 0.4, 0.2)))
    yaw = rng.normal(0, 0.3)
    for number in range(walls):
        turn = yaw + number * (-1.0, 1.0)[rng.integers(2)] * np.pi / 2
        along = np.array([np.cos(turn), 0.0, np.sin(turn)])
        foot = np.array([0.0, floor, back]) - number * along * reach
        up = np.array([0.0, FAR / 3 * reach, 0.0])
        ends = foot - along * FAR * reach, foot + along * FAR * reach
        yield _tiled(
            rng, np.array([ends[0] + up, ends[1] + up, ends[1], ends[0]]), WALL_MATERIALS, reach
        )
    for _ in range(int(rng.integers(0, 5))):
        yield _panel(rng, reach, back + reach * 0.02, floor, yaw)
    for _ in range(int(rng.integers(0, 5))):
        yield _sheet(rng, spots, reach)


def _slab(
    rng: np.random.Generator, low: np.ndarray, high: np.ndarray, thickness: float
) -> Iterator[Quad]:
    """A table top from low to high (2,) world X and Z, and its rim."""
    (x0, z0), (x1, z1) = low, high
    top = np.array([(x0, 0.0, z0), (x1, 0.0, z0), (x1, 0.0, z1), (x0, 0.0, z1)])
    surface = _tiled(rng, top, SUPPORT_MATERIALS, float(np.ptp([low, high], axis=0).max()))
    yield surface
    below = top - (0.0, thickness, 0.0)
    for a in range(4):
        b = (a + 1) % 4
        rim = np.array([top[a], top[b], below[b], below[a]])
        yield Quad(rim, surface.texture[:32, :32], roughness=surface.roughness)


def _level(low: float, high: float, height: float) -> np.ndarray:
    corners = [(low, low), (high, low), (high, high), (low, high)]
    return np.array([(x, height, z) for x, z in corners])


def _tiled(
    rng: np.random.Generator, corners: np.ndarray, materials: WeightedChoice[str], scale: float
) -> Quad:
    """Cover a rectangle with a material that repeats."""
    material = sample_material(rng, materials, materials is WALL_MATERIALS, scale)
    grey = material_pyramid(material.name, material.variant)[0]
    texture = cv2.applyColorMap(np.ascontiguousarray(grey), material.table)
    sides = np.linalg.norm(corners[[1, 3]] - corners[0], axis=1)
    roughness = rng.uniform(0.15, 0.9)
    return Quad(corners, texture, tuple(sides / material.tile), roughness)


def _panel(rng: np.random.Generator, reach: float, back: float, floor: float, yaw: float) -> Quad:
    """A screen, window, picture or shelf in front of the wall."""
    kind, texture = sample_panel(rng)
    width = reach * log_uniform(rng, 0.2, 0.9)
    height = width / rng.uniform(0.8, 1.8)
    along = np.array([np.cos(yaw), 0.0, np.sin(yaw)])
    middle = np.array([rng.normal(0, 0.8) * reach, 0.0, back])
    lowest = floor if rng.random() < 0.3 else floor + rng.uniform(0.0, 1.2) * reach
    bottom = middle + np.array([0.0, lowest, 0.0])
    half, up = along * width / 2, np.array([0.0, height, 0.0])
    corners = np.array([bottom + up - half, bottom + up + half, bottom + half, bottom - half])
    glows = kind in ('screen', 'window') and rng.random() < 0.5
    glow = log_uniform(rng, 0.5, 6.0) if glows else 0.0
    return Quad(corners, texture, roughness=rng.uniform(0.1, 0.7), glow=glow)


def _sheet(rng: np.random.Generator, spots: np.ndarray, reach: float) -> Quad:
    """A paper, keyboard or phone that lies flat."""
    texture, thickness = sample_sheet(rng)
    width = reach * log_uniform(rng, 0.08, 0.35)
    height = width * texture.shape[0] / texture.shape[1]
    spot = spots[int(rng.integers(len(spots)))] + rng.normal(0, 0.3, 2) * reach
    angle = rng.uniform(0, 2 * np.pi)
    frame = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    flat = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, height / 2) @ frame + spot
    level = 0.002 * reach + thickness * width
    corners = np.array([(x, level, z) for x, z in flat])
    return Quad(corners, texture, roughness=rng.uniform(0.2, 0.9))


@dataclass(frozen=True)
class _Spot:
    """What a model needs to be kept clear of boxes."""

    footprint: np.ndarray
    heights: tuple[float, float]


def _sample_models(
    rng: np.random.Generator, scene: Scene, files: tuple[Path, ...]
) -> Iterator[Model]:
    """Put up to five models beside and behind the boxes, never in one."""
    if not files:
        return
    spots = np.concatenate([*scene.footprints, [[0.0, -scene.camera.height]]])
    reach = float(np.linalg.norm(spots, axis=1).max())
    taken: list[Box | _Spot] = list(scene.boxes)
    for _ in range(int(rng.integers(0, 6))):
        file = files[int(rng.integers(len(files)))]
        size = reach * log_uniform(rng, 0.08, 0.6)
        position = spots[int(rng.integers(len(spots)))] + rng.normal(0, 0.5, 2) * reach
        half = size / 2
        corners = position + np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
        spot = _Spot(corners, (0.0, size))
        is_near = np.linalg.norm(position) < size + 0.3 * reach
        if not is_near and not collides(spot, taken):
            taken.append(spot)
            yield Model(file, position, rng.uniform(0, 2 * np.pi), size)
