"""The room: support plane, floor below a table, walls behind."""

from dataclasses import dataclass

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera, lift
from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.datasets.synthetic.painting.materials import (
    WALL,
    WOOD,
    from_hsv,
    ramp,
    sample_colour,
    sample_near,
)
from cpose.datasets.synthetic.painting.photos import sample_photo
from cpose.datasets.synthetic.painting.planes import PlaneMaterial, draw_plane
from cpose.datasets.synthetic.painting.raster import fill_polygon
from cpose.datasets.synthetic.polygons import cut_convex
from cpose.datasets.synthetic.scene import Scene

VARIANTS = 3
FAR = 40.0
"""Half the width of walls and floors in metres."""
SHARP_SIDE = 320
"""Shorter side in pixels from which on walls, and floors below a table, are drawn at half the
resolution: they are out of focus in photographs of what is in front of them."""

SUPPORT_MATERIALS = WeightedChoice(
    {
        'wood': 0.3,
        'plain': 0.12,
        'planks': 0.1,
        'parquet': 0.08,
        'carpet': 0.1,
        'granite': 0.07,
        'tiles': 0.06,
        'fabric': 0.05,
        'marble': 0.05,
        'plaster': 0.04,
        'checks': 0.02,
        'brick': 0.01,
    }
)
WALL_MATERIALS = WeightedChoice(
    {
        'plaster': 0.4,
        'plain': 0.3,
        'brick': 0.05,
        'tiles': 0.06,
        'wood': 0.06,
        'fabric': 0.05,
        'planks': 0.04,
        'checks': 0.04,
    }
)


@dataclass(frozen=True)
class Wall:
    """A vertical plane.

    Attributes:
        foot: (3,) world point at its lower border.
        yaw: Turn about the world's Y axis, radians; 0 faces the camera.
    """

    foot: np.ndarray
    yaw: float

    @property
    def along(self) -> np.ndarray:
        """(3,) horizontal unit vector in the wall."""
        return np.array([np.cos(self.yaw), 0.0, np.sin(self.yaw)])

    @property
    def normal(self) -> np.ndarray:
        """(3,) unit vector out of the wall, towards the room."""
        return np.array([-np.sin(self.yaw), 0.0, np.cos(self.yaw)])


def draw_room(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw walls, floor and support.

    Args:
        rng: Source of randomness.
        scene: Camera and what the support has to carry.

    Returns:
        The picture (H, W, 3) uint8, the support's outline (M, 2) in pixels, and the distance in
        metres behind the boxes at which the wall stands.
    """
    camera = scene.camera
    footprints = _footprints(scene)
    reach = float(np.linalg.norm(footprints, axis=1).max())
    if camera.is_steep:
        # What lies at the camera's foot point would leave no room.
        reach = max(reach, 0.5 * camera.height)
    gap = reach * log_uniform(rng, 0.08, 2.5)
    has_table = rng.random() < 0.65
    is_away = has_table and rng.random() < 0.4
    ground = -reach * rng.uniform(0.5, 1.2) if is_away else 0.0
    image = _draw_backdrop(rng, camera.image_wh)
    back = footprints[:, 1].min() - gap * (2.0 if is_away else 1.0)
    walls = _sample_walls(rng, reach, np.array([0.0, ground, back]))
    support = np.zeros((0, 2))
    if is_away or not has_table:
        support = _draw_floor(rng, image, camera, ground, walls)
    for wall in walls:
        _draw_wall(rng, image, camera, wall)
    if has_table:
        support = _draw_table(rng, image, camera, footprints, gap)
    return image, support, gap


def sample_material(
    rng: np.random.Generator, materials: WeightedChoice[str], is_wall: bool, scale: float
) -> PlaneMaterial:
    """Sample material, colours and the size of its pattern.

    Args:
        rng: Source of randomness.
        materials: Names of materials.
        is_wall: Whether pale wall colours and weak contrast are wanted.
        scale: Metres that a typical tile should cover.
    """
    name = materials.sample(rng)
    contrast = rng.uniform(4, 30) if is_wall else rng.uniform(8, 48)
    if name in ('wood', 'planks', 'parquet') and rng.random() < 0.85:
        base = sample_near(rng, WOOD)
    elif is_wall and rng.random() < 0.75:
        base = sample_near(rng, WALL)
    elif rng.random() < 0.5:
        base = from_hsv(rng.uniform(0, 180), rng.uniform(0, 70), rng.uniform(30, 235))
    else:
        base = sample_colour(rng)
    if name in ('wood', 'plain', 'plaster'):
        contrast *= 0.45
    dark = base - contrast * rng.uniform(0.6, 1.4, 3)
    light = base + contrast * rng.uniform(0.6, 1.4, 3)
    tile = scale * log_uniform(rng, 0.4, 1.8)
    return PlaneMaterial(name, int(rng.integers(VARIANTS)), ramp(dark, light), tile)


def _footprints(scene: Scene) -> np.ndarray:
    parts = scene.footprints
    return np.concatenate(parts) if parts else np.array([[0.0, -scene.camera.height * 2]])


def _draw_backdrop(rng: np.random.Generator, image_wh: tuple[int, int]) -> np.ndarray:
    """Fill the picture with one colour or with a blurred scene far away."""
    if rng.random() < 0.25:
        return cv2.resize(sample_photo(rng, (48, 48)), image_wh)
    colour = sample_near(rng, WALL).astype(np.uint8)
    return cv2.merge([np.full(image_wh[::-1], level) for level in colour])


def _sample_walls(rng: np.random.Generator, reach: float, foot: np.ndarray) -> list[Wall]:
    """Sample no wall, one behind the boxes, or two that meet in a corner."""
    if rng.random() < 0.15:
        return []
    yaw = min(max(rng.normal(0, 0.35), -0.9), 0.9)
    walls = [Wall(foot, yaw)]
    if rng.random() < 0.3:
        side = (-1.0, 1.0)[rng.integers(2)]
        aside = walls[0].along * side * reach * rng.uniform(0.4, 1.5)
        walls.append(Wall(foot + aside, yaw - side * np.pi / 2))
    return walls


def _draw_floor(
    rng: np.random.Generator,
    image: np.ndarray,
    camera: VirtualCamera,
    level: float,
    walls: list[Wall],
) -> np.ndarray:
    near = FAR if camera.is_steep or camera.is_rolled else 1.0
    corners = np.array([(-FAR, -FAR), (FAR, -FAR), (FAR, near), (-FAR, near)])
    polygon = lift(corners, level)
    if walls:
        heights = (polygon - walls[0].foot) @ walls[0].normal
        polygon = cut_convex(polygon, heights)
    if len(polygon) < 3:
        return np.zeros((0, 2))
    material = sample_material(rng, SUPPORT_MATERIALS, False, camera.height - level)
    reduction = _reduction(camera) if level < 0 else 1
    return draw_plane(image, camera, polygon, _turned_axes(rng), material, reduction)


def _draw_wall(
    rng: np.random.Generator, image: np.ndarray, camera: VirtualCamera, wall: Wall
) -> None:
    foot, along = wall.foot, wall.along
    up = np.array([0.0, FAR, 0.0])
    ends = foot - along * FAR, foot + along * FAR
    polygon = np.array([ends[0] + up, ends[1] + up, ends[1], ends[0]])
    material = sample_material(rng, WALL_MATERIALS, True, float(np.linalg.norm(foot)))
    axes = np.array([along, [0.0, -1.0, 0.0]])
    draw_plane(image, camera, polygon, axes, material, _reduction(camera))
    if rng.random() < 0.25:
        board = np.array([ends[0], ends[1], ends[1], ends[0]])
        board[:2, 1] += np.linalg.norm(foot) * rng.uniform(0.03, 0.08)
        colour = sample_near(rng, WALL) if rng.random() < 0.6 else sample_near(rng, WOOD)
        fill_polygon(image, camera.project_polygon(board), colour)


def _draw_table(
    rng: np.random.Generator,
    image: np.ndarray,
    camera: VirtualCamera,
    footprints: np.ndarray,
    gap: float,
) -> np.ndarray:
    """Draw a table top that carries everything, and its front edges."""
    turn = rng.normal(0, 0.25) if rng.random() < 0.7 else rng.uniform(-0.8, 0.8)
    axis = np.array([np.cos(turn), np.sin(turn)])
    cross = np.array([-axis[1], axis[0]])
    frame = np.array([axis, cross])
    inner = footprints @ frame.T
    size = float(np.ptp(inner, axis=0).max())
    margin = size * np.exp(rng.uniform(np.log(0.06), np.log(4.0), 4))
    low = inner.min(0) - (margin[0], min(margin[1], gap * 0.95))
    high = inner.max(0) + margin[2:]
    flat = np.array([(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])])
    corners = lift(flat @ frame, 0.0)
    material = sample_material(rng, SUPPORT_MATERIALS, False, camera.height * 1.2)
    thickness = camera.height * rng.uniform(0.02, 0.08)
    edge_colour = material.table[128, 0] * rng.uniform(0.45, 0.95)
    rims = [camera.project_polygon(corners - (0.0, depth, 0.0)) for depth in (0.0, thickness)]
    slab = cv2.convexHull(np.concatenate(rims).astype(np.float32))[:, 0]
    fill_polygon(image, slab, edge_colour)
    return draw_plane(image, camera, corners, _turned_axes(rng, turn), material)


def _reduction(camera: VirtualCamera) -> int:
    """Return how many times smaller planes far behind the boxes are drawn."""
    return 2 if min(camera.image_wh) >= SHARP_SIDE else 1


def _turned_axes(rng: np.random.Generator, turn: float | None = None) -> np.ndarray:
    angle = rng.uniform(0, np.pi) if turn is None else turn + rng.integers(2) * np.pi / 2
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0.0, sin], [-sin, 0.0, cos]])
