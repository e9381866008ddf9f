"""Sampling of what stands where: camera, boxes, hands, round distractors and light."""

from dataclasses import dataclass, field

import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.camera import VirtualCamera, sample_camera
from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.hands import Hand, sample_hands
from cpose.datasets.synthetic.placing import (
    collides,
    is_well_in_view,
    place_first,
    place_next,
    sample_solids,
)
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.solids import Solid
from cpose.datasets.synthetic.visibility import measure_visibility, sort_far_to_near
from cpose.errors import ConfigError

MAX_SCENES = 60
SHRINK = 0.95
"""Boxes get smaller with every scene that had no room for them."""
MIN_VISIBILITY = 0.35
"""A scene with a box of which less can be seen is sampled anew."""
DECOYS = 0.6
"""Share of the pictures without boxes in which something flat takes the place of one."""


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
    """Everything on the plane and above it, its camera and its light.

    Attributes:
        camera: The camera.
        boxes: The annotated objects.
        solids: Round distractors and occluders.
        light: The light.
        visibility: (N,) visible share of each box, 0 to 1.
        order: Numbers of boxes, then solids, the farthest first.
        hands: Hands that hold boxes, or what takes the place of a box.
        decoy: A box whose front is drawn, flat, instead of a box.
    """

    camera: VirtualCamera
    boxes: list[Box]
    solids: list[Solid]
    light: Light
    visibility: np.ndarray
    order: list[int]
    hands: list[Hand] = field(default_factory=list)
    decoy: Box | None = None

    @property
    def footprints(self) -> list[np.ndarray]:
        """Footprints (N, 2) of everything on the plane or above it."""
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
    if realism.negatives > 0 and rng.random() < realism.negatives:
        wanted = 0
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
    camera = sample_camera(
        rng,
        image_wh,
        realism.pitch_deg,
        realism.odd_camera,
        realism.rolled,
        realism.roll_deg,
    )
    crowd = shrink / np.sqrt(max(wanted, 1))
    placed = place_first(rng, camera, realism, crowd)
    if placed is None:
        return None
    camera, anchor = placed
    boxes = _fill(rng, camera, anchor, wanted, realism, shrink)
    hands = _sample_holders(rng, camera, boxes or [anchor], realism)
    solids = sample_solids(rng, camera, anchor, boxes, realism)
    light = sample_light(rng, realism.shadow_strength)
    order = sort_far_to_near([*boxes, *solids], camera.height)
    visibility = measure_visibility(camera, boxes, solids, order, hands)
    if len(boxes) < wanted or np.any(visibility < MIN_VISIBILITY):
        return None
    is_decoy = not boxes and realism.negatives > 0 and rng.random() < DECOYS
    return Scene(
        camera, boxes, solids, light, visibility, order, hands, anchor if is_decoy else None
    )


def _fill(
    rng: np.random.Generator,
    camera: VirtualCamera,
    anchor: Box,
    wanted: int,
    realism: RealismSettings,
    shrink: float,
) -> list[Box]:
    """Put boxes around the first one until there are as many as wanted or no room is left."""
    boxes = [anchor] if wanted else []
    for _ in range(40):
        if len(boxes) >= wanted:
            break
        box = place_next(rng, camera, boxes, realism, shrink)
        if collides(box, boxes):
            continue
        if is_well_in_view(rng, camera, box, realism.cut_off):
            boxes.append(box)
    return boxes


def _sample_holders(
    rng: np.random.Generator, camera: VirtualCamera, boxes: list[Box], realism: RealismSettings
) -> list[Hand]:
    """Sample hands for boxes in the air."""
    floating = [number for number, box in enumerate(boxes) if box.is_floating]
    return [
        hand
        for number in floating
        if realism.hands > 0 and rng.random() < realism.hands
        for hand in sample_hands(rng, camera, boxes[number], number)
    ]
