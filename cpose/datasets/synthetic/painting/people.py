"""Hands, arms and persons, drawn as softly shaded limbs."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cpose.datasets.synthetic.hands import Limb
from cpose.datasets.synthetic.painting.materials import sample_colour, sample_near
from cpose.datasets.synthetic.painting.raster import blend, bounding_rectangle, is_empty, soften
from cpose.datasets.synthetic.polygons import SHIFT

SKIN = (
    (182, 206, 240),
    (150, 178, 224),
    (130, 160, 210),
    (98, 130, 184),
    (70, 98, 150),
    (44, 62, 98),
)
HAIR = ((18, 20, 26), (30, 42, 66), (58, 84, 120), (110, 150, 180), (150, 150, 152))
SHADES = ((1.0, 0.76), (0.7, 0.95), (0.4, 1.08))
"""Share of a limb's thickness and brightness there, from the border inwards."""
FACE = (
    (-0.3, -0.05, 0.08, 0.14),
    (0.3, -0.05, 0.08, 0.14),
    (-0.3, -0.22, 0.16, 0.07),
    (0.3, -0.22, 0.16, 0.07),
    (0.0, 0.5, 0.22, 0.1),
    (0.0, 0.22, 0.08, 0.1),
)
"""Across, below, half the length and thickness of eyes, brows, mouth and nose, in heads."""


@dataclass(frozen=True)
class Look:
    """Colours of one person and where the light comes from.

    Attributes:
        skin: (3,) BGR.
        cloth: (3,) BGR.
        light: (2,) direction to the lamp in the picture, y down, at most 1 long.
    """

    skin: np.ndarray
    cloth: np.ndarray
    light: np.ndarray


def sample_look(rng: np.random.Generator) -> Look:
    """Sample skin, clothes and light of a person."""
    angle = rng.uniform(-np.pi, 0)
    light = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.1, 0.4)
    skin = sample_near(rng, SKIN) * rng.uniform(0.65, 1.1)
    return Look(skin, sample_colour(rng), light)


def draw_limbs(image: np.ndarray, limbs: Sequence[Limb], look: Look, shadow: float = 0.0) -> None:
    """Draw limbs on a (H, W, 3) uint8 image in their order, in place.

    Args:
        image: The picture so far.
        limbs: What to draw.
        look: Colours.
        shadow: Darkness of the shadow around them on what is behind, 0 to 1.
    """
    if not limbs:
        return
    reach = int(max(limb.radii.mean() for limb in limbs) * 0.5) + 1
    outlines = np.concatenate([limb.outline for limb in limbs])
    rectangle = bounding_rectangle(outlines, (image.shape[1], image.shape[0]), 2 * reach)
    if is_empty(rectangle):
        return
    left, top, right, bottom = rectangle
    origin = np.array([left, top])
    layer = np.empty((bottom - top, right - left, 3), dtype=np.uint8)
    layer[:] = np.clip(look.skin * 0.8, 0, 255)
    mask = np.zeros(layer.shape[:2], dtype=np.uint8)
    for limb in limbs:
        _shade(layer, limb, look, origin)
        _fill(mask, limb.outline - origin, 255)
    target = image[top:bottom, left:right]
    if shadow > 0:
        _darken(target, mask, shadow, min(reach, 20))
    blend(target, layer, mask)


def _shade(layer: np.ndarray, limb: Limb, look: Look, origin: np.ndarray) -> None:
    base = look.cloth if limb.is_cloth else look.skin
    for share, brightness in SHADES:
        colour = np.clip(base * brightness, 0, 255).tolist()
        _fill(layer, limb.inner_outline(share, look.light * (1 - share)) - origin, colour)
    radius = min(max(int(limb.radii.mean() * 0.22), 1), 9)
    columns, rows = (limb.outline - origin).T.tolist()
    left, top = max(int(min(columns)), 0), max(int(min(rows)), 0)
    part = layer[top : max(int(max(rows)) + 2, 0), left : max(int(max(columns)) + 2, 0)]
    if part.size:
        part[:] = soften(part, radius)


def _fill(canvas: np.ndarray, outline: np.ndarray, colour: int | list[float]) -> None:
    points = np.round(outline * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas, [points], colour, cv2.LINE_AA, SHIFT)


def _darken(image: np.ndarray, mask: np.ndarray, strength: float, reach: int) -> None:
    """Multiply by the blurred mask, a little below its place."""
    moved = np.roll(mask, reach // 2, axis=0)
    moved[: reach // 2] = 0
    soft = soften(moved, reach)
    light = cv2.addWeighted(soft, -strength, soft, 0.0, 255.0)
    cv2.multiply(image, cv2.merge([light] * 3), dst=image, scale=1 / 255)


def draw_people(
    rng: np.random.Generator, image: np.ndarray, support: np.ndarray, count: int
) -> None:
    """Draw persons behind what stands on the plane, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) uint8.
        support: (N, 2) outline of the plane in the image; most persons are behind it.
        count: Number of persons.
    """
    for _ in range(count):
        before = image.copy()
        _draw_person(rng, image)
        if len(support) >= 3 and rng.random() < 0.7:
            mask = np.zeros(image.shape[:2], dtype=np.uint8)
            bounded = np.clip(support, -4096, 4096)
            cv2.fillConvexPoly(mask, np.round(bounded).astype(np.int32), 255)
            cv2.copyTo(before, mask, image)


def _draw_person(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw torso, arms, neck, head and hair at a random place and size."""
    height, width = image.shape[:2]
    head = max(height, width) * np.exp(rng.uniform(np.log(0.03), np.log(0.2)))
    place = rng.uniform((0.0, -0.2), (1.0, 0.7)) * (width, height)
    lean = rng.normal(0, 0.2)
    down = np.array([-np.sin(lean), np.cos(lean)])
    side = np.array([down[1], -down[0]])
    look = sample_look(rng)
    neck = place + down * head * 1.3
    body = neck + down * np.array([0.9, 2.0, 4.5, 14.0])[:, None] * head
    torso = Limb(body, np.array([1.4, 1.6, 1.5, 1.6]) * head * rng.uniform(0.85, 1.2), True)
    parts = [Limb(np.array([place, neck + down * head * 0.5]), np.array([0.5, 0.6]) * head), torso]
    for sign in (-1.0, 1.0):
        parts += _arm(rng, neck + (side * sign * 1.7 + down * 0.9) * head, down, side * sign, head)
    draw_limbs(image, parts, look)
    face = Limb(
        place + down * np.array([-0.4, 0.0, 0.45])[:, None] * head,
        np.array([0.72, 0.78, 0.6]) * head,
    )
    hair = Limb(
        place + down * np.array([-0.6, -0.35])[:, None] * head + side * rng.normal(0, 0.1) * head,
        np.array([0.74, rng.uniform(0.72, 0.86)]) * head,
        True,
    )
    hair_look = Look(look.skin, sample_near(rng, HAIR), look.light)
    faces_camera = rng.random() < 0.75
    draw_limbs(image, [hair, face] if faces_camera else [face, hair], hair_look)
    if faces_camera:
        cap = Limb(hair.spine - down * 0.3 * head, hair.radii * 0.92, True)
        draw_limbs(image, [cap], hair_look)
        _draw_face(rng, image, place, down, side, head, look.skin)


def _arm(
    rng: np.random.Generator, shoulder: np.ndarray, down: np.ndarray, out: np.ndarray, head: float
) -> list[Limb]:
    elbow = shoulder + (down * rng.uniform(1.5, 2.6) + out * rng.uniform(0.0, 1.2)) * head
    turn = rng.uniform(-2.4, 0.4)
    wrist = elbow + (down * np.cos(turn) - out * np.sin(turn) * -1.0) * head * 2.2
    hand = wrist + (wrist - elbow) * 0.22
    sleeve = wrist if rng.random() < 0.6 else elbow
    spine = [shoulder, elbow, sleeve] if sleeve is wrist else [shoulder, (shoulder + elbow) / 2]
    radii = np.array([0.5, 0.42, 0.36])[: len(spine)] * head
    return [
        Limb(np.array([elbow, wrist]), np.array([0.38, 0.28]) * head),
        Limb(np.array([wrist, hand]), np.array([0.34, 0.36]) * head),
        Limb(np.array(spine), radii, True),
    ]


def _draw_face(
    rng: np.random.Generator,
    image: np.ndarray,
    place: np.ndarray,
    down: np.ndarray,
    side: np.ndarray,
    head: float,
    skin: np.ndarray,
) -> None:
    """Draw eyes, brows and mouth as small dark strokes."""
    middle = place + side * rng.normal(0, 0.12) * head
    dark = np.clip(skin * 0.4, 0, 255).tolist()
    for across, below, length, thickness in FACE:
        centre = middle + (side * across + down * below) * head
        half = side * length * head
        start, end = (
            np.round(point).astype(int).tolist() for point in (centre - half, centre + half)
        )
        cv2.line(image, start, end, dark, max(1, round(thickness * head)), cv2.LINE_AA)
