"""Hands that hold a box: palm, fingers and forearm as tapered limbs in the picture."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.chance import WeightedChoice
from cpose.datasets.synthetic.visibility import outline_hull

BREADTH = (0.065, 0.1)
"""Metres across a palm."""

GRIPS = WeightedChoice({'thumb in front': 0.4, 'fingers in front': 0.4, 'palm in front': 0.2})
CAP = np.array([(np.cos(angle), np.sin(angle)) for angle in np.linspace(1.57, -1.57, 7)])
"""(7, 2) parts along and across a limb of the way from its end to the points around it."""
LONGEST_ARM = 25.0
"""Breadths of a palm after which every arm has left the picture."""
SMALLEST = 0.03
"""Breadth of a palm, as a share of the picture, below which a whole person would be in view."""


@dataclass(frozen=True)
class Limb:
    """A rounded, tapered stroke.

    Attributes:
        spine: (P, 2) pixels.
        radii: (P,) pixels.
        is_cloth: Whether it is a sleeve and not skin.
    """

    spine: np.ndarray
    radii: np.ndarray
    is_cloth: bool = False

    @cached_property
    def outline(self) -> np.ndarray:
        """(N, 2) pixels, in turn."""
        return self.inner_outline(1.0)

    def inner_outline(self, share: float, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the outline (N, 2) of a thinner limb within, moved by a vector times radius."""
        points, arms, radii = self._border
        return np.asarray(points + share * arms + shift * radii)

    @cached_property
    def _border(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points of the spine (N, 2), from them to the outline (N, 2), and radii (N, 1)."""
        steps = np.diff(self.spine, axis=0)
        along = np.concatenate([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
        along = along / np.maximum(np.sqrt((along**2).sum(axis=1, keepdims=True)), 1e-9)
        aside = along[:, ::-1] * (-1.0, 1.0)
        inner = np.arange(1, len(self.spine) - 1)
        first, last = np.zeros(len(CAP), dtype=int), np.full(len(CAP), len(self.spine) - 1)
        numbers = np.concatenate([first, inner, last, inner[::-1]])
        arms = np.concatenate(
            [
                -CAP[:, :1] * along[0] - CAP[:, 1:] * aside[0],
                aside[inner],
                CAP[:, :1] * along[-1] + CAP[:, 1:] * aside[-1],
                -aside[inner[::-1]],
            ]
        )
        radii = self.radii[numbers, None]
        return self.spine[numbers], arms * radii, radii


@dataclass(frozen=True)
class Hand:
    """One hand on a box.

    Attributes:
        box: Number of the box in the scene.
        behind: Limbs that the box covers.
        front: Limbs that cover the box.
    """

    box: int
    behind: tuple[Limb, ...]
    front: tuple[Limb, ...]


def sample_hands(
    rng: np.random.Generator, camera: VirtualCamera, box: Box, number: int
) -> list[Hand]:
    """Sample one hand or two on opposite sides of a box, none on one that is far away.

    Args:
        rng: Source of randomness.
        camera: The camera.
        box: The box, in front of the camera.
        number: Its number in the scene.
    """
    hull = outline_hull(camera, box.outline_world).astype(np.float64)
    depth = float(camera.to_cv(box.keypoints_world[0])[2])
    scale = float(camera.intrinsics[0, 0]) / depth
    breadth = min(rng.uniform(*BREADTH) * scale, 0.55 * float(np.sqrt(_area(hull))))
    if breadth < SMALLEST * max(camera.image_wh):
        return []
    angle = rng.uniform(0, 2 * np.pi)
    turns = [0.0] if rng.random() < 0.65 else [0.0, np.pi + rng.normal(0, 0.4)]
    return [_grip(rng, hull, angle + turn, breadth, number) for turn in turns]


def _grip(
    rng: np.random.Generator, hull: np.ndarray, angle: float, breadth: float, number: int
) -> Hand:
    """Put a hand on the border of a silhouette in some direction from its middle."""
    middle = hull.mean(axis=0)
    out = np.array([np.cos(angle), np.sin(angle)])
    border = middle + out * _reach(hull, middle, out)
    arm = _turned(out, rng.normal(0, 0.35))
    across = np.array([-arm[1], arm[0]]) * (-1.0, 1.0)[rng.integers(2)]
    fingers = _fingers(rng, border, _turned(-arm, rng.normal(0, 0.15)), across, breadth)
    start = border + (arm * 0.5 + across * 0.42) * breadth
    inward = _turned(-arm, rng.normal(0, 0.3)) - across * rng.uniform(0.1, 0.6)
    thumb = _curved(rng, start, inward, breadth * rng.uniform(0.7, 1.0), 0.15 * breadth)
    palm = _palm_and_arm(rng, border, arm, breadth)
    grip = GRIPS.sample(rng)
    if grip == 'thumb in front':
        return Hand(number, (*palm, *fingers), (thumb,))
    if grip == 'fingers in front':
        return Hand(number, (thumb, *palm), tuple(fingers))
    return Hand(number, (thumb,), (*palm, *fingers))


def _palm_and_arm(
    rng: np.random.Generator, border: np.ndarray, arm: np.ndarray, breadth: float
) -> list[Limb]:
    reach = np.array([0.1, 0.4, 0.8, 1.1])[:, None] * breadth
    palm = Limb(border + arm * reach, np.array([0.42, 0.5, 0.44, 0.33]) * breadth)
    bend = _turned(arm, rng.normal(0, 0.35))
    wrist = palm.spine[-1]
    steps = np.array([-0.2, 1.0, 3.0, 6.0, LONGEST_ARM])
    widths = np.array([0.33, 0.35, 0.5, 0.58, 0.8]) * breadth * rng.uniform(0.9, 1.2)
    forearm = Limb(wrist + bend * steps[:, None] * breadth, widths)
    parts = [forearm, palm]
    if rng.random() < 0.5:
        bare = rng.uniform(0.2, 3.5)
        kept = np.linspace(bare, LONGEST_ARM, 4)
        sleeve = wrist + bend * kept[:, None] * breadth
        wide = np.interp(kept, steps, widths) * rng.uniform(1.15, 1.5)
        parts.insert(1, Limb(sleeve, wide, is_cloth=True))
    return parts


def _fingers(
    rng: np.random.Generator,
    border: np.ndarray,
    inward: np.ndarray,
    across: np.ndarray,
    breadth: float,
) -> list[Limb]:
    length = breadth * rng.uniform(0.35, 0.9)
    spread = rng.normal(0, 0.12)
    fingers = []
    for place, share in zip((-0.36, -0.12, 0.12, 0.36), (0.8, 0.98, 1.0, 0.9), strict=True):
        start = border - inward * 0.15 * breadth + across * place * breadth
        direction = inward + across * place * spread
        part = length * share * rng.uniform(0.9, 1.1) + 0.15 * breadth
        fingers.append(_curved(rng, start, direction, part, 0.125 * breadth))
    return fingers


def _curved(
    rng: np.random.Generator, start: np.ndarray, direction: np.ndarray, length: float, radius: float
) -> Limb:
    unit = direction / np.linalg.norm(direction)
    steps = np.linspace(0, 1, 4)[:, None]
    aside = np.array([-unit[1], unit[0]]) * rng.normal(0, 0.08)
    spine = start + (unit * steps + aside * steps**2) * length
    return Limb(spine, radius * np.array([1.05, 1.0, 0.95, 0.8]))


def _turned(direction: np.ndarray, angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]]) @ direction


def _reach(hull: np.ndarray, middle: np.ndarray, out: np.ndarray) -> float:
    """Return how far the border of a convex polygon is from an inner point in a direction."""
    edges = np.roll(hull, -1, axis=0) - hull
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    offsets = ((hull - middle) * normals).sum(axis=1)
    normals *= np.sign(offsets)[:, None]
    ahead = normals @ out
    return float((np.abs(offsets)[ahead > 1e-9] / ahead[ahead > 1e-9]).min())


def _area(hull: np.ndarray) -> float:
    after = np.roll(hull, -1, axis=0)
    return abs(float((hull[:, 0] * after[:, 1] - hull[:, 1] * after[:, 0]).sum())) / 2
