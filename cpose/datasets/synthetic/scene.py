"""Sampling of what stands where: camera, boxes, round distractors and light."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera, sample_camera
from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.settings import RealismSettings, sample_dims
from cpose.datasets.synthetic.solids import Solid, sample_solid
from cpose.datasets.synthetic.visibility import (
    Standing,
    box_hull,
    inside_fraction,
    measure_visibility,
    sort_far_to_near,
)
from cpose.errors import ConfigError
from cpose.structures.cuboid import cuboid_keypoints

MAX_SCENES = 60
SHRINK = 0.95
"""Boxes get smaller with every scene that had no room for them."""
MIN_VISIBILITY = 0.35
"""A scene with a box of which less can be seen is sampled anew."""


@dataclass(frozen=True)
class Box:
    """An upright box on the plane.

    Attributes:
        dims: (3,) metres along its x, y, z.
        position: (2,) world X and Z of its centre.
        yaw: Angle about the world's Y axis, radians.
    """

    dims: np.ndarray
    position: np.ndarray
    yaw: float

    @property
    def world_from_object(self) -> np.ndarray:
        """(3, 3) rotation."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])

    @cached_property
    def keypoints_world(self) -> np.ndarray:
        """(9, 3) centre and corners."""
        centre = np.array([self.position[0], self.dims[1] / 2, self.position[1]])
        return cuboid_keypoints(self.dims) @ self.world_from_object.T + centre

    @cached_property
    def footprint(self) -> np.ndarray:
        """(4, 2) world X and Z of the bottom corners, in turn."""
        return self.keypoints_world[[1, 2, 6, 5]][:, [0, 2]]


@dataclass(frozen=True)
class Light:
    """One lamp far away plus light from everywhere.

    Attributes:
        direction: (3,) unit vector towards the lamp, world.
        ambient: Share of the light that comes from everywhere, 0 to 1.
        shadow: Darkness of the cast shadow, 0 to 1.
        softness: Blur of the shadow's border as a share of the box's image size.
    """

    direction: np.ndarray
    ambient: float
    shadow: float
    softness: float


@dataclass(frozen=True)
class Scene:
    """Everything that stands on the plane, its camera and its light.

    Attributes:
        camera: The camera.
        boxes: The annotated objects.
        solids: Round distractors and occluders.
        light: The light.
        visibility: (N,) visible share of each box, 0 to 1.
        order: Numbers of boxes, then solids, the farthest first.
    """

    camera: VirtualCamera
    boxes: list[Box]
    solids: list[Solid]
    light: Light
    visibility: np.ndarray
    order: list[int]

    @property
    def footprints(self) -> list[np.ndarray]:
        """Footprints (N, 2) of everything that stands on the plane."""
        return [box.footprint for box in self.boxes] + [solid.footprint for solid in self.solids]


def sample_scene(
    rng: np.random.Generator,
    image_wh: tuple[int, int],
    objects: tuple[int, int],
    realism: RealismSettings,
) -> Scene:
    """Sample scenes until one shows as many boxes as asked for.

    Args:
        rng: The only source of randomness.
        image_wh: Width and height in pixels.
        objects: Least and greatest number of boxes.
        realism: Number of distractors, probability of occluders, depth of shadows.

    Raises:
        ConfigError: If no scene was found, which only an impossible picture size causes.
    """
    wanted = int(rng.integers(objects[0], objects[1] + 1))
    for attempt in range(MAX_SCENES):
        scene = _try_scene(rng, image_wh, wanted, realism, shrink=SHRINK**attempt)
        if scene is not None:
            return scene
    raise ConfigError(
        f'has no room for {wanted} boxes',
        argument='image_wh',
        value=image_wh,
        advice='Choose sides of more equal length',
    )


def sample_light(rng: np.random.Generator, strength: tuple[float, float]) -> Light:
    """Sample a lamp anywhere above the plane."""
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.radians(rng.triangular(18, 60, 88))
    direction = np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.sin(azimuth),
        ]
    )
    softness = log_uniform(rng, 0.012, 0.15)
    return Light(direction, rng.uniform(0.35, 0.85), rng.uniform(*strength), softness)


def _try_scene(
    rng: np.random.Generator,
    image_wh: tuple[int, int],
    wanted: int,
    realism: RealismSettings,
    shrink: float,
) -> Scene | None:
    camera = sample_camera(rng, image_wh, realism.pitch_deg, realism.odd_camera)
    crowd = shrink / np.sqrt(max(wanted, 1))
    placed = _place_first(rng, camera, realism, crowd)
    if placed is None:
        return None
    camera, anchor = placed
    boxes = [anchor] if wanted else []
    for _ in range(40):
        if len(boxes) >= wanted:
            break
        box = _place_next(rng, camera, anchor, realism, shrink)
        if _collides(box.footprint, boxes):
            continue
        if _is_well_in_view(rng, camera, box, realism.cut_off):
            boxes.append(box)
    solids = _sample_solids(rng, camera, anchor, boxes, realism)
    light = sample_light(rng, realism.shadow_strength)
    order = sort_far_to_near([*boxes, *solids])
    visibility = measure_visibility(camera, boxes, solids, order)
    if len(boxes) < wanted or np.any(visibility < MIN_VISIBILITY):
        return None
    return Scene(camera, boxes, solids, light, visibility, order)


def _place_first(
    rng: np.random.Generator, camera: VirtualCamera, realism: RealismSettings, crowd: float
) -> tuple[VirtualCamera, Box] | None:
    """Choose where and how big the first box appears; this fixes the camera's height."""
    width, height = camera.image_wh
    for _ in range(60):
        dims = sample_dims(rng, realism.sides)
        extent = np.linalg.norm(dims)
        fraction = log_uniform(rng, *realism.box_span) * crowd
        depth = camera.intrinsics[0, 0] * extent / (fraction * max(width, height))
        target = rng.uniform((0.15, 0.2), (0.85, 0.85)) * (width, height)
        ray = camera.ray_world(target)
        above = dims[1] / 2 - ray[1] * depth
        if above < 0.6 * dims[1] or ray[1] > -0.03:
            continue
        centre = ray * depth
        box = Box(dims, centre[[0, 2]], rng.uniform(-np.pi, np.pi))
        placed = replace(camera, height=above)
        if _is_well_in_view(rng, placed, box, realism.cut_off):
            return placed, box
    return None


def _place_next(
    rng: np.random.Generator,
    camera: VirtualCamera,
    anchor: Box,
    realism: RealismSettings,
    shrink: float,
) -> Box:
    """Put a box of any size near the first one."""
    extent = np.linalg.norm(anchor.dims)
    dims = sample_dims(rng, realism.sides)
    dims = dims / np.linalg.norm(dims) * extent * np.exp(rng.uniform(-0.7, 0.5)) * shrink
    reach = extent * rng.uniform(0.4, 3.0)
    angle = rng.uniform(0, 2 * np.pi)
    position = anchor.position + reach * np.array([np.cos(angle), np.sin(angle)])
    aligned = rng.random() < 0.3
    yaw = anchor.yaw + rng.normal(0, 0.05) if aligned else rng.uniform(-np.pi, np.pi)
    return Box(dims, position, yaw)


def _is_well_in_view(
    rng: np.random.Generator, camera: VirtualCamera, box: Box, cut_off: float
) -> bool:
    depths = camera.to_cv(box.keypoints_world)[:, 2]
    if depths.min() < 0.25 * np.linalg.norm(box.dims):
        return False
    least = 0.6 if rng.random() < cut_off else 0.98
    return inside_fraction(box_hull(camera, box.keypoints_world), camera.image_wh) >= least


def _collides(footprint: np.ndarray, items: Sequence[Standing]) -> bool:
    centre = footprint.mean(axis=0)
    grown = ((footprint - centre) * 1.08 + centre).astype(np.float32)
    return any(
        cv2.intersectConvexConvex(grown, item.footprint.astype(np.float32))[0] > 0 for item in items
    )


def _sample_solids(
    rng: np.random.Generator,
    camera: VirtualCamera,
    anchor: Box,
    boxes: list[Box],
    realism: RealismSettings,
) -> list[Solid]:
    extent = float(np.linalg.norm(anchor.dims))
    count = int(rng.integers(realism.solids[0], realism.solids[1] + 1))
    places = [_scatter(rng, anchor, extent) for _ in range(count)]
    if boxes and rng.random() < realism.occluder:
        places.append(_in_front(rng, boxes[int(rng.integers(len(boxes)))]))
    solids: list[Solid] = []
    for position in places:
        solid = sample_solid(rng, position, extent * np.exp(rng.uniform(-1.2, 0.1)))
        is_in_front = camera.to_cv(solid.outline_world)[:, 2].min() > 0.2 * extent
        if is_in_front and not _collides(solid.footprint, [*boxes, *solids]):
            solids.append(solid)
    return solids


def _scatter(rng: np.random.Generator, anchor: Box, extent: float) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    reach = extent * rng.uniform(0.6, 3.0)
    return anchor.position + reach * np.array([np.cos(angle), np.sin(angle)])


def _in_front(rng: np.random.Generator, box: Box) -> np.ndarray:
    """Return a place between the camera's foot point and the box, a little to the side."""
    towards = -box.position / np.linalg.norm(box.position)
    aside = np.array([-towards[1], towards[0]]) * rng.uniform(-0.6, 0.6)
    return box.position + (towards * rng.uniform(0.6, 1.0) + aside) * np.linalg.norm(box.dims)
