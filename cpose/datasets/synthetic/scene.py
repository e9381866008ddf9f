"""Sampling of what stands where: camera, boxes, hands, distractors and light."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.camera import VirtualCamera, sample_camera
from cpose.datasets.synthetic.hands import Hand, sample_hands
from cpose.datasets.synthetic.light import Light, sample_light
from cpose.datasets.synthetic.placing import (
    collides,
    is_well_in_view,
    place_first,
    place_next,
    sample_props,
    sample_solids,
)
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.base import Shape
from cpose.datasets.synthetic.shapes.cast import CARTONS, Cast
from cpose.datasets.synthetic.shapes.solids import Solid
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
class Scene:
    """Everything on the plane and above it, its camera and its light.

    Attributes:
        camera: The camera.
        boxes: The annotated objects.
        solids: Distractors and occluders: round ones, and objects of other shapes.
        light: The light.
        visibility: (N,) visible share of each box, 0 to 1.
        order: Numbers of boxes, then solids, the farthest first.
        hands: Hands that hold boxes, or what takes the place of a box.
        decoy: A box whose front is drawn, flat, instead of a box.
        shape_numbers: Which shape of the cast each box has.
    """

    camera: VirtualCamera
    boxes: list[Box]
    solids: list[Solid | Box]
    light: Light
    visibility: np.ndarray
    order: list[int]
    hands: list[Hand] = field(default_factory=list)
    decoy: Box | None = None
    shape_numbers: list[int] = field(default_factory=list)

    @property
    def items(self) -> list[Solid | Box]:
        """Everything by the numbers of the order."""
        return [*self.boxes, *self.solids]

    @property
    def footprints(self) -> list[np.ndarray]:
        """Footprints (N, 2) of everything on the plane or above it."""
        return [item.footprint for item in self.items]


def sample_scene(
    rng: np.random.Generator,
    image_wh: tuple[int, int],
    objects: tuple[int, int],
    realism: RealismSettings,
    cast: Cast = CARTONS,
) -> Scene:
    """Sample scenes until one shows as many boxes as asked for.

    Args:
        rng: The only source of randomness.
        image_wh: Width and height in pixels.
        objects: Least and greatest number of boxes.
        realism: Number of distractors, probability of occluders, depth of shadows.
        cast: Which shapes occur.

    Raises:
        ConfigError: If no scene was found, which only an impossible picture size causes.
    """
    wanted = int(rng.integers(objects[0], objects[1] + 1))
    if realism.negatives > 0 and rng.random() < realism.negatives:
        wanted = 0
    # Chosen before anything is placed: what is hard to place must not be rare.
    numbers = [cast.choose(rng) for _ in range(max(wanted, 1))]
    for attempt in range(MAX_SCENES):
        scene = _try_scene(rng, image_wh, wanted, realism, cast, numbers, SHRINK**attempt)
        if scene is not None:
            return scene
    raise ConfigError(
        f'has no room for {wanted} boxes',
        argument='image_wh',
        value=image_wh,
        advice='Choose sides of more equal length',
    )


def _try_scene(
    rng: np.random.Generator,
    image_wh: tuple[int, int],
    wanted: int,
    realism: RealismSettings,
    cast: Cast,
    numbers: list[int],
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
    shapes = [cast.shapes[number] for number in numbers]
    placed = place_first(rng, camera, shapes[0], realism, crowd)
    if placed is None:
        return None
    camera, anchor = placed
    boxes = _fill(rng, camera, anchor, shapes[:wanted], realism, shrink)
    hands = _sample_holders(rng, camera, boxes or [anchor], realism)
    solids = _sample_distractors(rng, camera, anchor, boxes, realism, cast)
    light = sample_light(rng, realism.shadow_strength)
    order = sort_far_to_near([*boxes, *solids], camera.height)
    visibility = measure_visibility(camera, boxes, solids, order, hands)
    if len(boxes) < wanted or np.any(visibility < MIN_VISIBILITY):
        return None
    is_decoy = not boxes and realism.negatives > 0 and rng.random() < DECOYS
    decoy = anchor if is_decoy else None
    return Scene(camera, boxes, solids, light, visibility, order, hands, decoy, numbers[:wanted])


def _fill(
    rng: np.random.Generator,
    camera: VirtualCamera,
    anchor: Box,
    shapes: Sequence[Shape],
    realism: RealismSettings,
    shrink: float,
) -> list[Box]:
    """Put boxes of the shapes around the first one until all are there or no room is left."""
    boxes = [anchor] if shapes else []
    for _ in range(40):
        if len(boxes) >= len(shapes):
            break
        box = place_next(rng, camera, boxes, shapes[len(boxes)], realism, shrink)
        if collides(box, boxes):
            continue
        if is_well_in_view(rng, camera, box, realism.cut_off):
            boxes.append(box)
    return boxes


def _sample_distractors(
    rng: np.random.Generator,
    camera: VirtualCamera,
    anchor: Box,
    boxes: list[Box],
    realism: RealismSettings,
    cast: Cast,
) -> list[Solid | Box]:
    solids = sample_solids(rng, camera, anchor, boxes, realism, cast.look_alikes)
    if not cast.distractors or realism.props[1] == 0:
        return [*solids]
    distractors = cast.distractors
    return [*solids, *sample_props(rng, camera, anchor, boxes, solids, distractors, realism)]


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
