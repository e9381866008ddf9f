"""Bottles of glass, plastic and metal: surfaces of revolution with labels, caps and liquids."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.painting.materials import from_hsv, sample_colour
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.base import PlacedCuboid, View
from cpose.datasets.synthetic.shapes.gloss import (
    Finish,
    Lighting,
    light_surface,
    sample_finish,
    see_through,
)
from cpose.datasets.synthetic.shapes.lathe import (
    Easel,
    Hits,
    Profile,
    ring_outline,
)
from cpose.datasets.synthetic.shapes.wraps import Wrap, paint_wrap
from cpose.errors import check_number
from cpose.registry import SHAPES

LYING = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotation that lays the y axis into the plane."""
RIB_DEPTH = 0.35


@dataclass(frozen=True)
class Kind:
    """Ranges of one kind of bottle, as shares of height or of the greatest radius.

    Attributes:
        slim: Height over diameter.
        shoulder: Where it begins to narrow.
        neck: Where the neck begins.
        neck_radius: Radius of the neck.
        cap: Height of the cap.
        bend: Below 1 for a round shoulder, above for a hollow one.
        height: Metres.
        materials: Probabilities of looks.
    """

    slim: tuple[float, float]
    shoulder: tuple[float, float]
    neck: tuple[float, float]
    neck_radius: tuple[float, float]
    cap: tuple[float, float]
    bend: tuple[float, float]
    height: tuple[float, float]
    materials: WeightedChoice[str]


PLASTIC = WeightedChoice({'water': 0.55, 'drink': 0.45})
GLASS = WeightedChoice({'dark glass': 0.6, 'clear glass': 0.25, 'amber': 0.15})
OPAQUE = WeightedChoice({'opaque': 0.85, 'milky': 0.15})
METAL = WeightedChoice({'metal': 0.4, 'opaque': 0.6})
SPICE = WeightedChoice({'amber': 0.3, 'opaque': 0.4, 'clear glass': 0.3})
KINDS = {
    'plastic': Kind(
        (2.7, 3.9), (0.55, 0.72), (0.84, 0.92), (0.3, 0.45), (0.05, 0.09), (0.8, 1.5), (0.18, 0.33),
        PLASTIC,
    ),
    'wine': Kind(
        (3.4, 4.4), (0.52, 0.64), (0.7, 0.78), (0.34, 0.42), (0.12, 0.2), (0.6, 1.2), (0.28, 0.33),
        GLASS,
    ),
    'beer': Kind(
        (3.2, 4.2), (0.45, 0.58), (0.74, 0.88), (0.36, 0.45), (0.025, 0.04), (0.8, 1.5),
        (0.2, 0.27), GLASS,
    ),
    'care': Kind(
        (2.0, 3.8), (0.66, 0.85), (0.8, 0.9), (0.3, 0.8), (0.08, 0.2), (0.35, 1.0), (0.12, 0.27),
        OPAQUE,
    ),
    'flask': Kind(
        (2.8, 3.9), (0.7, 0.82), (0.8, 0.88), (0.55, 0.95), (0.1, 0.2), (0.4, 1.0), (0.18, 0.3),
        METAL,
    ),
    'small': Kind(
        (1.8, 2.4), (0.62, 0.72), (0.74, 0.8), (0.6, 0.85), (0.16, 0.24), (0.4, 0.8), (0.07, 0.14),
        SPICE,
    ),
}  # fmt: skip
KIND_NAMES = WeightedChoice(
    {'plastic': 0.34, 'wine': 0.16, 'beer': 0.14, 'care': 0.18, 'flask': 0.12, 'small': 0.06}
)
DRINKS = ((8, 12, 30), (10, 40, 200), (20, 120, 235), (40, 90, 40), (30, 180, 240), (60, 60, 210))
"""BGR of liquids: cola, red tea, orange, green tea, lemonade, berry."""


@SHAPES.register_module()
class Bottle:
    """Bottles that stand on their bottom or lie; the same from all sides about their y axis.

    Args:
        lying: Probability that one lies.
    """

    metainfo: ClassVar[dict[str, Any]] = {
        'category': 'bottle',
        'symmetry': {'type': 'RotationalSymmetry', 'order': 12},
        'eval_num_symmetry': 100,
    }
    look_alikes = ('Bottle', 'bottle', 'vase')
    is_labelled_by_view = False

    def __init__(self, lying: float = 0.1) -> None:
        check_number('lying', lying, least=0, most=1)
        self.lying = lying

    def sample(self, rng: np.random.Generator, _: RealismSettings) -> 'BottleForm':
        """Sample kind and section."""
        kind = KINDS[KIND_NAMES.sample(rng)]
        height, slim = log_uniform(rng, *kind.height), rng.uniform(*kind.slim)
        cap = 1 - rng.uniform(*kind.cap)
        neck = min(rng.uniform(*kind.neck), cap - 0.01)
        shoulder = min(rng.uniform(*kind.shoulder), neck - 0.04)
        neck_radius = rng.uniform(*kind.neck_radius)
        bend = rng.uniform(*kind.bend)
        profile = _section(rng, (shoulder, neck, cap), neck_radius, bend)
        material = kind.materials.sample(rng)
        dims = np.array([height / slim, height, height / slim])
        is_lying = rng.random() < self.lying
        return BottleForm(dims, profile, shoulder, cap, material, LYING if is_lying else None)


def _section(
    rng: np.random.Generator,
    marks: tuple[float, float, float],
    neck_radius: float,
    bend: float,
) -> Profile:
    """Return the section of a bottle of height 1 and greatest radius 1."""
    shoulder, neck, cap = marks
    foot = rng.uniform(0.75, 0.97)
    cap_radius = min(neck_radius * rng.uniform(1.04, 1.25), 1.0)
    low, body = np.array([0.0, 0.003, 0.015, 0.04]), np.linspace(0.06, shoulder, 9)
    bow = np.linspace(shoulder, neck, 11)[1:]
    top = [cap - 0.004, cap, cap + 0.15 * (1 - cap), 0.985, 0.997, 1.0]
    narrowing = np.cos((bow - shoulder) / (neck - shoulder) * np.pi / 2) ** bend
    waist = rng.uniform(0.0, 0.22) if rng.random() < 0.3 else 0.0
    middle, reach = rng.uniform(0.3, 0.6) * shoulder, rng.uniform(0.06, 0.15)
    hollow = 1 - waist * np.exp(-(((body - middle) / reach) ** 2))
    lid = rng.uniform(0.8, 1.0) * cap_radius
    radii = [
        np.array([0.01, foot, foot + 0.7 * (1 - foot), 0.99]),
        hollow,
        neck_radius + (1 - neck_radius) * narrowing,
        np.array([neck_radius, cap_radius, cap_radius, lid, 0.93 * lid, 0.01]),
    ]
    widths = np.concatenate(radii)
    return Profile(np.concatenate([low, body, bow, top]), widths / widths.max())


@dataclass(frozen=True)
class BottleForm:
    """One bottle.

    Attributes:
        dims: (3,) metres.
        profile: Its section, height and greatest radius 1.
        shoulder: Where it begins to narrow, share of the height.
        cap: Where the cap begins.
        material: What it is made of and filled with.
        rest: (3, 3), or None if it stands.
    """

    dims: np.ndarray
    profile: Profile
    shoulder: float
    cap: float
    material: str
    rest: np.ndarray | None = None
    carries = False

    @property
    def outline(self) -> np.ndarray:
        """(N, 3) points around every ring, in units of the dims."""
        return ring_outline(self.profile)

    def paint(self, rng: np.random.Generator, box: PlacedCuboid, view: View) -> 'PaintedBottle':
        """Choose colours, label, cap, liquid and reflections."""
        is_clear = self.material not in ('opaque', 'metal')
        gloss = rng.uniform(0.75, 1.0) if is_clear else rng.uniform(0.15, 0.95)
        finish = sample_finish(rng, view.light, view.camera.cv_from_world, gloss)
        wall, liquid = _sample_walls(rng, self.material)
        label = None
        if rng.random() < 0.82:
            low = rng.uniform(0.06, 0.4) * self.shoulder
            high = rng.uniform(max(low + 0.12, 0.55 * self.shoulder), self.shoulder)
            arc = 1.0 if rng.random() < 0.5 else rng.uniform(0.25, 0.7)
            label = paint_wrap(rng, box, view.camera, (low, high), arc, view.realism.print_density)
        ribs = int(rng.integers(6, 22)) if self.material == 'water' and rng.random() < 0.7 else 0
        return PaintedBottle(
            box, self, view.light, finish, wall, liquid,
            level=rng.uniform(0.15, self.cap) if rng.random() < 0.75 else 0.0,
            cap_colour=_sample_cap(rng, self.material),
            label=label,
            ribs=ribs,
        )  # fmt: skip


def _sample_walls(rng: np.random.Generator, material: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what the wall lets through, or its colour, and what the liquid lets through (3,)."""
    pale = rng.uniform(0.86, 0.99, 3) * rng.uniform(0.85, 1.0)
    if material in ('opaque', 'metal', 'milky'):
        grey = np.full(3, rng.uniform(110, 215)) * rng.uniform(0.96, 1.04, 3)
        milky = rng.uniform(200, 245, 3)
        return {'metal': grey, 'milky': milky}.get(material, sample_colour(rng)), pale
    if material == 'water':
        return pale * (1.0, rng.uniform(0.93, 1.0), rng.uniform(0.8, 1.0)), rng.uniform(0.9, 1, 3)
    if material in ('drink', 'clear glass'):
        colour = np.array(DRINKS[int(rng.integers(len(DRINKS)))]) / 255
        return pale, np.clip(colour * rng.uniform(0.7, 1.1, 3), 0.02, 1)
    hue = rng.uniform(8, 18) if material == 'amber' else rng.uniform(15, 75)
    dark = from_hsv(hue, rng.uniform(190, 250), rng.uniform(25, 110)) / 255
    return np.clip(dark, 0.02, 1), np.full(3, rng.uniform(0.4, 0.9))


def _sample_cap(rng: np.random.Generator, material: str) -> np.ndarray:
    kind = rng.random()
    if material == 'metal' or kind < 0.15:
        return np.full(3, rng.uniform(60, 200))
    if kind < 0.4:
        return np.full(3, rng.uniform(225, 250))
    return np.full(3, rng.uniform(12, 40)) if kind < 0.6 else sample_colour(rng)


@dataclass(frozen=True)
class PaintedBottle:
    """A bottle with its colours.

    Attributes:
        box: Its cuboid.
        form: Its section.
        light: The light.
        finish: What it reflects.
        wall: (3,) share of light that a clear wall lets through, or BGR of an opaque one.
        liquid: (3,) share of light that the liquid lets through.
        level: How high it is filled, share of the height.
        cap_colour: (3,) BGR.
        label: What is wrapped around it.
        ribs: Number of ribs over the height.
    """

    box: PlacedCuboid
    form: BottleForm
    light: Light
    finish: Finish
    wall: np.ndarray
    liquid: np.ndarray
    level: float
    cap_colour: np.ndarray
    label: Wrap | None
    ribs: int

    def draw(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw the bottle, in place."""
        self._draw(Easel(image, camera, self.box, is_mirrored=False))

    def draw_mirrored(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw the bottle as the plane mirrors it, in place."""
        if self.box.level == 0:
            self._draw(Easel(image, camera, self.box, is_mirrored=True))

    def _draw(self, easel: Easel) -> None:
        if easel.is_empty:
            return
        hits = easel.trace(self.form.profile.scaled(self.box.dims))
        height = hits.points[1] / np.float32(self.box.dims[1])
        lighting = light_surface(easel, self._normals(hits, height), self.light, self.finish)
        if self.form.material in ('opaque', 'metal', 'milky'):
            shaded = lighting.shade(np.broadcast_to(self.wall, (len(height), 3)))
        else:
            shaded = self._clear(easel, hits, height, lighting)
        if self.label is not None:
            self.label.lay(shaded, hits, height, lighting)
        self._close(shaded, hits, height, lighting)
        easel.put(hits.pixels, shaded)
        easel.finish()

    def _normals(self, hits: Hits, height: np.ndarray) -> np.ndarray:
        if not self.ribs:
            return hits.normals()
        is_ribbed = (height > 0.06) & (height < self.form.shoulder)
        return hits.normals(
            np.sin(height * (2 * np.pi * self.ribs)) * np.float32(RIB_DEPTH) * is_ribbed
        )

    def _clear(
        self, easel: Easel, hits: Hits, height: np.ndarray, lighting: Lighting
    ) -> np.ndarray:
        """Return what is seen through wall and liquid; a full bottle swaps left and right."""
        is_full = (height < self.level)[:, None]
        behind = easel.layer.reshape(-1, 3)[hits.pixels]
        swapped = easel.swapped().reshape(-1, 3)[hits.pixels]
        tint = np.where(is_full, self.wall * self.liquid, self.wall).astype(np.float32)
        seen = np.where(is_full, swapped, behind).astype(np.float32)
        if self.level > 0:
            surface = easel.level_disc(self.form.profile.scaled(self.box.dims), self.level)
            is_surface = surface.ravel()[hits.pixels] > 0
            tint = np.where(is_surface[:, None] & ~is_full, (tint + self.liquid) / 2, tint)
            seen[np.abs(height - self.level) < 0.006] *= 0.75
        colours = see_through(seen, tint, lighting.facing, 2.5)
        return colours * (0.55 + 0.45 * lighting.diffuse[:, None]) + lighting.mirrored[:, None]

    def _close(
        self, shaded: np.ndarray, hits: Hits, height: np.ndarray, lighting: Lighting
    ) -> None:
        """Colour the cap, with ridges, in place."""
        part = np.flatnonzero(height > self.form.cap)
        x, _, z = hits.points[:, part]
        ridges = 1 + 0.12 * np.cos(40 * np.arctan2(z, x))
        light = (lighting.diffuse[part] * ridges)[:, None]
        shaded[part] = self.cap_colour * light + 0.5 * lighting.mirrored[part, None]
