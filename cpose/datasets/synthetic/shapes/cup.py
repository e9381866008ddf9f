"""Cups, mugs, paper cups and tumblers: open vessels, with a handle or without."""

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.painting.materials import sample_colour
from cpose.datasets.synthetic.polygons import SHIFT
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.base import PlacedCuboid, View
from cpose.datasets.synthetic.shapes.bottle import DRINKS, LYING
from cpose.datasets.synthetic.shapes.gloss import (
    Finish,
    Lighting,
    light_surface,
    sample_finish,
    see_through,
)
from cpose.datasets.synthetic.shapes.lathe import Easel, Hits, Profile, ring_outline
from cpose.datasets.synthetic.shapes.wraps import Wrap, paint_wrap
from cpose.errors import check_number
from cpose.registry import SHAPES

KINDS = WeightedChoice({'mug': 0.5, 'teacup': 0.16, 'paper': 0.2, 'tumbler': 0.14})
SLIM = {'mug': (0.85, 1.35), 'teacup': (0.55, 0.85), 'paper': (1.05, 1.6), 'tumbler': (1.0, 1.8)}
"""Height over diameter."""
FOOT = {'mug': (0.75, 1.0), 'teacup': (0.4, 0.6), 'paper': (0.62, 0.75), 'tumbler': (0.7, 0.95)}
"""Radius at the bottom over that at the rim."""
HEIGHT = {
    'mug': (0.075, 0.13),
    'teacup': (0.05, 0.08),
    'paper': (0.08, 0.16),
    'tumbler': (0.08, 0.15),
}
"""Metres."""
HANDLES = {'mug': 0.92, 'teacup': 0.85, 'paper': 0.0, 'tumbler': 0.04}
"""Probability of a handle."""
STEPS, AROUND = 22, 10
UP = np.array([[0.0], [1.0], [0.0]], dtype=np.float32)
"""Parts along and around a handle."""
DRINK_COLOURS = (*DRINKS, (20, 40, 70), (12, 22, 38), (110, 160, 200), (235, 240, 245))
"""BGR: coffee, black coffee, milk coffee and milk too."""


@SHAPES.register_module()
class Cup:
    """Cups and mugs; the annotated cuboid is that of the vessel, without its handle.

    So every cup is the same from all sides about its y axis, as far as the cuboid goes.

    Args:
        lying: Probability that one lies.
        handles: Factor on the probability of a handle, 0 to 1.
    """

    metainfo: ClassVar[dict[str, Any]] = {
        'category': 'cup',
        'symmetry': {'type': 'RotationalSymmetry', 'order': 12},
        'eval_num_symmetry': 100,
    }
    look_alikes = ('Cup', 'cup', 'vase', 'bowl')
    is_labelled_by_view = False

    def __init__(self, lying: float = 0.04, handles: float = 1.0) -> None:
        check_number('lying', lying, least=0, most=1)
        check_number('handles', handles, least=0, most=1)
        self.lying = lying
        self.handles = handles

    def sample(self, rng: np.random.Generator, _: RealismSettings) -> 'CupForm':
        """Sample kind, section and handle."""
        kind = KINDS.sample(rng)
        height, slim = log_uniform(rng, *HEIGHT[kind]), rng.uniform(*SLIM[kind])
        foot = rng.uniform(*FOOT[kind])
        wall = rng.uniform(0.02, 0.05) if kind in ('paper', 'teacup') else rng.uniform(0.05, 0.1)
        profile = _section(rng, kind, foot)
        has_handle = rng.random() < HANDLES[kind] * self.handles
        handle = _sample_handle(rng, profile, slim) if has_handle else None
        dims = np.array([height / slim, height, height / slim])
        is_lying = rng.random() < self.lying and not has_handle
        return CupForm(dims, kind, profile, wall, handle, LYING if is_lying else None)


def _section(rng: np.random.Generator, kind: str, foot: float) -> Profile:
    """Return the outside of a cup of height 1 and greatest radius 1."""
    heights = np.concatenate([[0.02, 0.05], np.linspace(0.09, 1.0, 11)])
    bend = rng.uniform(0.35, 0.6) if kind == 'teacup' else rng.uniform(0.7, 1.3)
    radii = foot + (1 - foot) * heights**bend
    if kind == 'mug' and rng.random() < 0.35:
        radii = radii + rng.uniform(-0.06, 0.1) * np.sin(np.pi * heights)
    radii[0] *= rng.uniform(0.9, 0.99)
    if kind == 'teacup' and rng.random() < 0.6:
        radii[:2] = foot * rng.uniform(0.8, 1.0)
    radii = radii / radii.max()
    return Profile(
        np.concatenate([[0.0, 0.005], heights]), np.concatenate([[0.01, radii[0] * 0.97], radii])
    )


def _sample_handle(rng: np.random.Generator, profile: Profile, slim: float) -> np.ndarray:
    """Return a handle at angle 0 as (N, 2) along radius and height, in units of radius, height."""
    top, bottom = rng.uniform(0.78, 0.95), rng.uniform(0.12, 0.4)
    reach = rng.uniform(0.5, 0.8) * min(1.0, slim + 0.1)
    turn = np.linspace(0, np.pi, STEPS + 1)
    power = rng.uniform(0.5, 1.0)
    out = np.sin(turn) ** power * reach
    heights = (top + bottom) / 2 + np.cos(turn) * (top - bottom) / 2
    return np.stack([np.interp(heights, profile.heights, profile.radii) * 0.97 + out, heights], 1)


@dataclass(frozen=True)
class CupForm:
    """One cup.

    Attributes:
        dims: (3,) metres.
        kind: One of `KINDS`.
        profile: Its outside, height and greatest radius 1.
        wall: Thickness of the wall, share of the radius.
        handle: (N, 2) middle line, in units of radius and height, or None.
        rest: (3, 3), or None if it stands.
    """

    dims: np.ndarray
    kind: str
    profile: Profile
    wall: float
    handle: np.ndarray | None = None
    rest: np.ndarray | None = None
    carries = False

    @property
    def outline(self) -> np.ndarray:
        """(N, 3) points around vessel and handle, in units of the dims."""
        rings = ring_outline(self.profile)
        if self.handle is None:
            return rings
        out, up = self.handle.T
        points = np.stack([out / 2 + 0.06, up - 0.5, np.zeros(len(up))], axis=1)
        return np.concatenate([rings, points])

    def paint(self, rng: np.random.Generator, box: PlacedCuboid, view: View) -> 'PaintedCup':
        """Choose colours, print, drink and reflections."""
        is_clear = self.kind == 'tumbler' and rng.random() < 0.75
        dull = self.kind == 'paper' or rng.random() < 0.15
        gloss = rng.uniform(0.0, 0.35) if dull else rng.uniform(0.6, 1.0)
        finish = sample_finish(rng, view.light, view.camera.cv_from_world, gloss)
        outside = np.full(3, rng.uniform(215, 248)) if rng.random() < 0.4 else sample_colour(rng)
        is_white = rng.random() < 0.6 or self.kind == 'paper'
        inside = np.full(3, rng.uniform(205, 248)) if is_white else outside
        prints = []
        if rng.random() < (0.3 if is_clear else 0.65):
            low, high = rng.uniform(0.02, 0.3), rng.uniform(0.7, 0.96)
            arc = 1.0 if rng.random() < 0.5 else rng.uniform(0.3, 0.6)
            density = view.realism.print_density
            prints.append(paint_wrap(rng, box, view.camera, (low, high), arc, density))
        drink = np.array(DRINK_COLOURS[int(rng.integers(len(DRINK_COLOURS)))], dtype=float)
        return PaintedCup(
            box, self, view.light, finish,
            is_clear=is_clear,
            outside=rng.uniform(0.85, 0.99, 3) if is_clear else outside,
            inside=inside,
            handle_colour=inside if rng.random() < 0.2 else outside,
            drink=np.clip(drink * rng.uniform(0.8, 1.1, 3), 0, 255),
            level=rng.uniform(0.5, 0.9) if rng.random() < 0.45 else 0.0,
            prints=tuple(prints),
        )  # fmt: skip


@dataclass(frozen=True)
class PaintedCup:
    """A cup with its colours.

    Attributes:
        box: Its cuboid.
        form: Its section and handle.
        light: The light.
        finish: What it reflects.
        is_clear: Whether it is of glass.
        outside: (3,) BGR, or share of light that glass lets through.
        inside: (3,) BGR.
        handle_colour: (3,) BGR.
        drink: (3,) BGR.
        level: How high it is filled, share of the height.
        prints: What is printed on it.
    """

    box: PlacedCuboid
    form: CupForm
    light: Light
    finish: Finish
    is_clear: bool
    outside: np.ndarray
    inside: np.ndarray
    handle_colour: np.ndarray
    drink: np.ndarray
    level: float
    prints: tuple[Wrap, ...]

    def draw(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw the cup, in place."""
        self._draw(Easel(image, camera, self.box, is_mirrored=False))

    def draw_mirrored(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw the cup as the plane mirrors it, in place."""
        if self.box.level == 0:
            self._draw(Easel(image, camera, self.box, is_mirrored=True))

    def _draw(self, easel: Easel) -> None:
        if easel.is_empty:
            return
        is_handle_near = easel.eye[0] > 0
        if not is_handle_near:
            self._draw_handle(easel)
        if self.is_clear:
            self._draw_inside(easel)
        self._draw_outside(easel)
        if not self.is_clear:
            self._draw_inside(easel)
        if is_handle_near:
            self._draw_handle(easel)
        easel.finish()

    def _draw_outside(self, easel: Easel) -> None:
        profile = self.form.profile.scaled(self.box.dims)
        inner = profile.radii[-1] * (1 - self.form.wall)
        rim = profile.heights[-1] * 1.004
        hits = easel.trace(
            Profile(np.append(profile.heights, rim), np.append(profile.radii, inner))
        )
        height = hits.points[1] / np.float32(self.box.dims[1])
        lighting = light_surface(easel, hits.normals(), self.light, self.finish)
        if self.is_clear:
            shaded = self._clear(easel, hits, height, lighting)
        else:
            shaded = lighting.shade(np.broadcast_to(self.outside, (len(height), 3)))
            bare = np.flatnonzero(height > 0.985)
            shaded[bare] = self.inside * lighting.diffuse[bare, None]
        for item in self.prints:
            item.lay(shaded, hits, height, lighting)
        easel.put(hits.pixels, shaded)

    def _clear(
        self, easel: Easel, hits: Hits, height: np.ndarray, lighting: Lighting
    ) -> np.ndarray:
        behind = easel.layer.reshape(-1, 3)[hits.pixels].astype(np.float32)
        is_full = (height < self.level)[:, None]
        tint = np.where(is_full, self.outside * self.drink / 255, self.outside)
        colours = see_through(behind, tint.astype(np.float32), lighting.facing, 2.0)
        glint = np.where(height > 0.985, 60, 0) + lighting.mirrored
        return colours * (0.6 + 0.4 * lighting.diffuse[:, None]) + glint[:, None]

    def _draw_inside(self, easel: Easel) -> None:
        """Draw the inside as far as it is seen from above, darker towards the bottom."""
        outer = self.form.profile.scaled(self.box.dims)
        keep = outer.heights >= max(self.level, 0.05) * self.box.dims[1]
        inner = Profile(outer.heights[keep], outer.radii[keep] * (1 - self.form.wall))
        hits, bottom = easel.trace_inside(inner)
        up = (hits.points[1] / np.float32(self.box.dims[1]))[:, None]
        lighting = light_surface(easel, -hits.normals(), self.light, self.finish)
        if self.is_clear:
            behind = easel.layer.reshape(-1, 3)[hits.pixels]
            easel.put(hits.pixels, behind * 0.9 + 0.5 * lighting.mirrored[:, None])
        else:
            depth = 0.5 + 0.5 * up
            easel.put(hits.pixels, lighting.shade(self.inside * depth) * (0.75 + 0.25 * up))
        self._draw_bottom(easel, bottom)

    def _draw_bottom(self, easel: Easel, pixels: np.ndarray) -> None:
        if not len(pixels):
            return
        is_full = self.level > 0
        if self.is_clear and not is_full:
            return
        up = np.repeat(UP, len(pixels), axis=1)
        lighting = light_surface(easel, up, self.light, self.finish)
        colour = self.drink if is_full else self.inside * 0.5
        shaded = np.broadcast_to(colour, (len(pixels), 3)) * lighting.diffuse[:, None]
        easel.put(pixels, shaded + (0.6 * lighting.mirrored[:, None] if is_full else 0.0))

    def _draw_handle(self, easel: Easel) -> None:
        """Draw the handle as a bent tube, its farthest parts first."""
        if self.form.handle is None:
            return
        points, normals = self._tube(self.form.handle * (self.box.dims[0] / 2, self.box.dims[1]))
        corners = easel.to_layer(points)
        light = light_surface(
            easel, normals.reshape(-1, 3).T.astype(np.float32), self.light, self.finish
        )
        grey = light.shade(np.broadcast_to(self.handle_colour, (normals.size // 3, 3)))
        colours = np.clip(grey, 0, 255).reshape(STEPS, AROUND, 3)
        after = np.roll(corners, -1, axis=1)
        quads = np.stack([corners[:-1], corners[1:], after[1:], after[:-1]], axis=2)
        quads = np.round(quads * (1 << SHIFT)).astype(np.int32)
        depths = easel.depths(points)
        far = np.argsort(-(depths[:-1] + depths[1:]), axis=None)
        for number in far.tolist():
            step, side = divmod(number, AROUND)
            cv2.fillConvexPoly(
                easel.layer, quads[step, side], colours[step, side].tolist(), cv2.LINE_AA, SHIFT
            )

    def _tube(self, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return corners (S + 1, A, 3) and normals (S, A, 3) around a line (S + 1, 2) of metres."""
        dims = self.box.dims
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        outwards = np.stack([along[:, 1], -along[:, 0]], axis=1) * -1
        angles = np.arange(AROUND) * (2 * np.pi / AROUND)
        thick, wide = 0.055 * dims[0], 0.08 * dims[0]
        across = outwards[:, None] * np.cos(angles)[:, None]
        aside = np.broadcast_to(np.sin(angles), across.shape[:2])
        spread = np.concatenate([across, aside[..., None]], axis=2)
        middle = np.concatenate([line, np.zeros((len(line), 1))], axis=1)
        points = middle[:, None] + spread * (thick, thick, wide)
        half = spread[:-1] + spread[1:]
        normals = half + np.roll(half, -1, axis=1)
        return points, normals / np.linalg.norm(normals, axis=2, keepdims=True)
