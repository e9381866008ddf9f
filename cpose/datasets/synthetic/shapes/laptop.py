"""Open laptops: a slab with a keyboard and a hinged slab with a screen."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.painting.box_painter import PaintedFace, paint_faces
from cpose.datasets.synthetic.painting.face_elements import (
    draw_logo,
)
from cpose.datasets.synthetic.painting.materials import sample_colour
from cpose.datasets.synthetic.painting.raster import fill_rectangle, filled
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.base import PlacedCuboid, View
from cpose.datasets.synthetic.shapes.carton import PaintedFaces
from cpose.datasets.synthetic.shapes.screens import SCREENS, SHOWS, add_glare
from cpose.errors import check_range
from cpose.registry import SHAPES
from cpose.structures.cuboid import cuboid_keypoints

BODIES = (
    (200, 200, 200),
    (170, 170, 172),
    (60, 58, 56),
    (30, 30, 30),
    (175, 190, 205),
    (120, 110, 105),
)
"""BGR: silver, grey, dark grey, black, gold, bluish."""
LEAST_ANGLE, MOST_ANGLE = 20.0, 175.0
ROWS, KEYS = 6, 14


@SHAPES.register_module()
class Laptop:
    """Open laptops; the annotated cuboid is that around both slabs.

    The y axis points up, z from the hinge to the user, x to the user's right.

    Args:
        hinge_deg: Least and greatest angle between keyboard and screen, degrees.
    """

    metainfo: ClassVar[dict[str, Any]] = {
        'category': 'laptop',
        'symmetry': {'type': 'NoSymmetry'},
        'eval_num_symmetry': 1,
    }
    look_alikes = ('Laptop',)
    is_labelled_by_view = False

    def __init__(self, hinge_deg: tuple[float, float] = (60.0, 130.0)) -> None:
        self.hinge_deg = check_range('hinge_deg', hinge_deg, LEAST_ANGLE, MOST_ANGLE)

    def sample(self, rng: np.random.Generator, _: RealismSettings) -> 'LaptopForm':
        """Sample sizes and the angle of the hinge."""
        least, most = self.hinge_deg
        angle = np.radians(rng.triangular(least, min(max(108.0, least), most), most + 1e-9))
        width = log_uniform(rng, 0.27, 0.39)
        depth = width * rng.uniform(0.6, 0.74)
        base = np.array([width, width * rng.uniform(0.03, 0.075), depth])
        lid = np.array([width, depth * rng.uniform(0.94, 1.0), width * rng.uniform(0.015, 0.035)])
        return LaptopForm(base, lid, float(angle))


@dataclass(frozen=True)
class LaptopForm:
    """One laptop. The frame ``hinged``: axes of the object, origin at the middle of the hinge.

    Attributes:
        base: (3,) width, thickness and depth of the slab with the keyboard, metres.
        lid: (3,) width, length and thickness of the slab with the screen, metres.
        angle: Between keyboard and screen, radians.
    """

    base: np.ndarray
    lid: np.ndarray
    angle: float
    rest = None
    carries = False

    @property
    def slabs(self) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (9, 3) of base and lid, frame ``hinged``; the screen is the lid's +z face."""
        base = cuboid_keypoints(self.base) + np.array([0.0, -self.base[1] / 2, self.base[2] / 2])
        sin, cos = np.sin(self.angle), np.cos(self.angle)
        hinged_from_lid = np.array([[1.0, 0.0, 0.0], [0.0, sin, -cos], [0.0, cos, sin]])
        lid = cuboid_keypoints(self.lid) + np.array([0.0, self.lid[1] / 2, -self.lid[2] / 2])
        return base, lid @ hinged_from_lid.T

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest coordinates (3,), frame ``hinged``."""
        points = np.concatenate([slab[1:] for slab in self.slabs])
        return points.min(axis=0), points.max(axis=0)

    @property
    def dims(self) -> np.ndarray:
        """(3,) extents of both slabs together, metres."""
        low, high = self.bounds
        return np.asarray(high - low)

    @property
    def outline(self) -> np.ndarray:
        """(16, 3) corners of both slabs, in units of the dims."""
        return np.concatenate([self._relative(slab)[1:] for slab in self.slabs])

    def paint(self, rng: np.random.Generator, box: PlacedCuboid, view: View) -> PaintedFaces:
        """Paint keyboard, screen, lid and edges; what is above the keyboard's plane is apart."""
        base, lid = (
            (self._relative(slab) * box.dims) @ box.world_from_object.T + box.keypoints_world[0]
            for slab in self.slabs
        )
        look = _sample_look(rng)
        light = view.light

        def paint_base(name: str, wh: tuple[int, int]) -> np.ndarray:
            return look.deck(rng, wh) if name == '+y' else look.edge(rng, wh)

        def paint_lid(name: str, wh: tuple[int, int]) -> np.ndarray:
            if name == '+z':
                return look.screen(rng, wh)
            return look.back(rng, wh) if name == '-z' else look.edge(rng, wh)

        glowing = () if look.shows == 'off' else ('+z',)
        parts: list[list[PaintedFace]] = [
            paint_faces(rng, view.camera, base, light, paint_base),
            paint_faces(rng, view.camera, lid, light, paint_lid, glowing),
        ]
        up = box.world_from_object[:, 1]
        is_above = up @ (view.camera.position - base[4]) > 0
        return PaintedFaces(parts if is_above else parts[::-1], box.level == 0)

    def _relative(self, points: np.ndarray) -> np.ndarray:
        low, high = self.bounds
        return np.asarray((points - (low + high) / 2) / (high - low))


@dataclass(frozen=True)
class Look:
    """Colours of one laptop.

    Attributes:
        body: (3,) BGR of the base.
        cover: (3,) BGR of the lid.
        keys: (3,) BGR.
        bezel: Grey level around the screen.
        border: Breadth of that, share of the screen.
        shows: One of `SHOWS`.
    """

    body: np.ndarray
    cover: np.ndarray
    keys: np.ndarray
    bezel: float
    border: float
    shows: str

    def deck(self, rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
        """Paint keyboard and touch pad (h, w, 3) uint8; the hinge is at the top."""
        width, height = wh
        canvas = filled(wh, self.body)
        top, bottom = rng.uniform(0.06, 0.14), rng.uniform(0.56, 0.66)
        margin = rng.uniform(0.02, 0.1)
        well = self.body * rng.uniform(0.6, 1.0)
        left, right = margin * width, (1 - margin) * width
        fill_rectangle(canvas, (left - 2, top * height - 2, right + 1, bottom * height + 1), well)
        tall = (bottom - top) * height / ROWS
        for row in range(ROWS):
            self._lay_keys(rng, canvas, row, (left, top * height + row * tall, right, tall))
        half = rng.uniform(0.12, 0.2)
        pad = (
            (0.48 - half) * width,
            (bottom + 0.05) * height,
            (0.48 + half) * width,
            0.95 * height,
        )
        fill_rectangle(canvas, pad, self.body * rng.uniform(0.8, 1.1))
        if rng.random() < 0.25:
            side = canvas[int(height * 0.7) :, : width // 4]
            draw_logo(rng, side, sample_colour(rng))
        return canvas

    def _lay_keys(
        self,
        rng: np.random.Generator,
        canvas: np.ndarray,
        row: int,
        place: tuple[float, float, float, float],
    ) -> None:
        """Draw a row of keys in a strip (left, top, right, height), in place."""
        left, top, right, tall = place
        widths = np.ones(KEYS)
        if row == ROWS - 1:
            widths[[4, 5, 6, 7, 8]] = 0.0
            widths[3] = 5.5
        elif row > 1:
            widths[[0, -1]] += 0.2 * row
        ends = left + (right - left) * np.concatenate([[0], np.cumsum(widths) / widths.sum()])
        gap = max(0.5, 0.12 * tall)
        letters = self.keys + (90 if self.keys.mean() < 128 else -90)
        for start, end in pairwise(ends.tolist()):
            if end - start > gap + 0.5:
                fill_rectangle(canvas, (start, top, end - gap, top + tall - gap), self.keys)
                if tall > 5 and rng.random() < 0.85 and end - start < 3 * tall:
                    middle = round((start + end - gap) / 2), round(top + tall * 0.45)
                    canvas[middle[1] : middle[1] + max(1, round(tall * 0.15)), middle[0]] = letters

    def screen(self, rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
        """Paint the screen with its frame (h, w, 3) uint8."""
        width, height = wh
        canvas = filled(wh, np.full(3, self.bezel))
        side = max(1, round(self.border * width))
        foot = max(1, round(self.border * width * rng.uniform(1.0, 2.5)))
        inner = canvas[side : height - foot, side : width - side]
        if min(inner.shape[:2]) > 4:
            inner[:] = SCREENS[self.shows](rng, inner.shape[1::-1])
            add_glare(rng, inner)
        return canvas

    def back(self, rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
        """Paint the back of the lid (h, w, 3) uint8, with a mark and sometimes stickers."""
        canvas = filled(wh, self.cover)
        width, height = wh
        mark = canvas[height // 3 : height * 2 // 3, width * 2 // 5 : width * 3 // 5]
        draw_logo(rng, mark, self.cover * rng.uniform(0.4, 1.4))
        for _ in range(int(rng.integers(0, 5)) if rng.random() < 0.25 else 0):
            draw_logo(rng, canvas, sample_colour(rng))
        return canvas

    def edge(self, rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
        """Paint a narrow side (h, w, 3) uint8 with some sockets."""
        canvas = filled(wh, self.body * 0.9)
        for _ in range(int(rng.integers(0, 4))):
            left = rng.uniform(0.05, 0.9) * wh[0]
            hole = (left, 0.3 * wh[1], left + 0.04 * wh[0], 0.7 * wh[1])
            fill_rectangle(canvas, hole, np.full(3, 15.0))
        return canvas


def _sample_look(rng: np.random.Generator) -> Look:
    body = np.array(BODIES[int(rng.integers(len(BODIES)))]) * rng.uniform(0.8, 1.15)
    cover = body if rng.random() < 0.75 else sample_colour(rng)
    is_dark = rng.random() < 0.75
    keys = np.full(3, rng.uniform(15, 55)) if is_dark else body * rng.uniform(0.9, 1.15)
    bezel = rng.uniform(5, 35) if rng.random() < 0.85 else rng.uniform(120, 200)
    return Look(body, cover, keys, bezel, rng.uniform(0.015, 0.05), SHOWS.sample(rng))
