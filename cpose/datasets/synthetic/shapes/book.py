"""Books: thin boxes with a printed cover, a back, a spine and three edges of pages."""

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.datasets.synthetic.painting.box_painter import paint_faces
from cpose.datasets.synthetic.painting.face_elements import (
    draw_barcode,
    draw_label,
    draw_logo,
    draw_panel,
    draw_photo,
    draw_text_rows,
    draw_title,
)
from cpose.datasets.synthetic.painting.materials import contrast_colour, sample_colour
from cpose.datasets.synthetic.painting.raster import filled
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.base import PlacedCuboid, View
from cpose.datasets.synthetic.shapes.carton import PaintedFaces
from cpose.registry import SHAPES

COVER_UP = None
COVER_DOWN = np.diag([1.0, -1.0, -1.0])
UPRIGHT_BOOK = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""Rotation that turns the top of the pages up."""
FLAT, DOWN, STANDING, LEANING = 'cover up', 'cover down', 'standing', 'leaning'
POSES = WeightedChoice({FLAT: 0.6, DOWN: 0.08, STANDING: 0.2, LEANING: 0.12})

COVER = ((draw_photo, 0.5), (draw_panel, 0.35), (draw_logo, 0.3))
BACK = ((draw_panel, 0.2), (draw_photo, 0.15), (draw_text_rows, 0.9), (draw_barcode, 0.8))


@SHAPES.register_module()
class Book:
    """Closed books that lie, stand or lean.

    The y axis points out of the front cover, z from the spine to the open edge, x to the top of
    the pages. A book that lies with its cover up has y up.
    """

    metainfo: ClassVar[dict[str, Any]] = {
        'category': 'book',
        'symmetry': {'type': 'NoSymmetry'},
        'eval_num_symmetry': 1,
    }
    look_alikes = ('Book',)
    is_labelled_by_view = False

    def sample(self, rng: np.random.Generator, _: RealismSettings) -> 'BookForm':
        """Sample format, thickness and pose."""
        tall = log_uniform(rng, 0.15, 0.31)
        wide = tall * (rng.uniform(0.62, 0.8) if rng.random() < 0.85 else rng.uniform(0.8, 1.3))
        thick = tall * log_uniform(rng, 0.035, 0.22)
        is_hard = rng.random() < 0.45
        return BookForm(np.array([tall, thick, wide]), is_hard, *_sample_pose(rng))


def _sample_pose(rng: np.random.Generator) -> tuple[np.ndarray | None, bool]:
    """Return the rotation at rest, and whether something can be put on the book."""
    pose = POSES.sample(rng)
    if pose == FLAT:
        return COVER_UP, True
    if pose == DOWN:
        return COVER_DOWN, True
    if pose == STANDING:
        return UPRIGHT_BOOK, False
    lean = cv2.Rodrigues(np.array([0.0, 0.0, rng.uniform(0.12, 0.6) * rng.choice([-1, 1])]))[0]
    return lean @ UPRIGHT_BOOK, False


@dataclass(frozen=True)
class BookForm:
    """One book.

    Attributes:
        dims: (3,) metres.
        is_hard: Whether boards stand out beyond the pages.
        rest: (3, 3), or None if it lies with its cover up.
        carries: Whether it lies.
    """

    dims: np.ndarray
    is_hard: bool
    rest: np.ndarray | None
    carries: bool
    outline = None

    def paint(self, rng: np.random.Generator, box: PlacedCuboid, view: View) -> PaintedFaces:
        """Paint the visible faces."""
        look = _sample_look(rng, self.is_hard, view.realism.print_density)
        shares = np.array([0.003, 0.004]) / (self.dims[1], self.dims[2])

        def paint(name: str, wh: tuple[int, int]) -> np.ndarray:
            if name in ('+y', '-y'):
                turned = cv2.ROTATE_90_CLOCKWISE
                return np.asarray(cv2.rotate(look.cover(rng, wh[::-1], name == '+y'), turned))
            return look.spine(rng, wh) if name == '-z' else look.pages(rng, wh, name, shares)

        faces = paint_faces(rng, view.camera, box.keypoints_world, view.light, paint)
        return PaintedFaces([faces], box.level == 0)


@dataclass(frozen=True)
class Look:
    """What the faces of one book have in common.

    Attributes:
        base: (3,) BGR of the cover.
        ink: (3,) BGR of the title.
        other: (3,) BGR of what else is printed.
        back: (3,) BGR of spine and back.
        paper: (3,) BGR.
        is_hard: Whether boards stand out beyond the pages.
        density: Factor on the number of printed elements.
    """

    base: np.ndarray
    ink: np.ndarray
    other: np.ndarray
    back: np.ndarray
    paper: np.ndarray
    is_hard: bool
    density: float

    def cover(self, rng: np.random.Generator, wh: tuple[int, int], is_front: bool) -> np.ndarray:
        """Paint front or back (h, w, 3) uint8 as a reader holds it."""
        canvas = filled(wh, self.base if is_front else self.back)
        elements = COVER if is_front else BACK
        for draw, probability in elements:
            if rng.random() < probability * self.density:
                draw(rng, canvas, self.other)
        if is_front and self.density > 0:
            self._write(rng, canvas)
        side = max(2, round(wh[0] * 0.035))
        groove = slice(0, side) if is_front else slice(-side, None)
        canvas[:, groove] = (canvas[:, groove] * rng.uniform(0.65, 0.95)).astype(np.uint8)
        if is_front and rng.random() < 0.1:
            draw_label(rng, canvas, self.ink)
        return canvas

    def _write(self, rng: np.random.Generator, canvas: np.ndarray) -> None:
        """Print title and author in bands of the cover, in place."""
        height = canvas.shape[0]
        top = int(height * rng.uniform(0.03, 0.5))
        for _ in range(int(rng.integers(1, 4))):
            tall = int(height * rng.uniform(0.1, 0.24))
            if top + tall < height and tall > 3:
                draw_title(rng, canvas[top : top + tall], self.ink)
            top += tall
        foot = canvas[int(height * rng.uniform(0.86, 0.93)) :]
        if rng.random() < 0.7 and len(foot) > 3:
            draw_title(rng, foot, self.other)

    def spine(self, rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
        """Paint the spine (h, w, 3) uint8, its title from left to right, rounded."""
        canvas = filled(wh, self.back if rng.random() < 0.6 else self.base)
        if wh[1] >= 7 and self.density > 0:
            draw_title(rng, canvas[:, : wh[0] * 2 // 3], self.ink)
            if rng.random() < 0.5:
                draw_title(rng, canvas[:, wh[0] * 2 // 3 :], self.other)
        for _ in range(int(rng.integers(0, 3))):
            left = int(rng.uniform(0.02, 0.95) * wh[0])
            canvas[:, left : left + max(1, wh[0] // 60)] = self.other
        bow = rng.uniform(0.1, 0.4) * np.linspace(-1, 1, wh[1])[:, None, None] ** 2
        return np.asarray((canvas * (1 - bow)).astype(np.uint8))

    def pages(
        self, rng: np.random.Generator, wh: tuple[int, int], name: str, shares: np.ndarray
    ) -> np.ndarray:
        """Paint an edge of the pages (h, w, 3) uint8.

        Args:
            rng: Source of randomness.
            wh: Width and height.
            name: The face.
            shares: (2,) thickness of the boards as a share of height and of the spine's side.
        """
        width, height = wh
        lines = 1 - rng.uniform(0.05, 0.3) * rng.random((height, 1, 1)) ** 2
        smudge = rng.uniform(0.85, 1.0, (1, 4, 1)).astype(np.float32)
        across = cv2.resize(smudge[..., 0], (width, 1))[..., None]
        canvas = np.clip(self.paper * lines * across, 0, 255).astype(np.uint8)
        board = max(1, round(height * min(shares[0], 0.2)))
        if self.is_hard:
            canvas[board : 2 * board] = (canvas[board : 2 * board] * 0.6).astype(np.uint8)
        canvas[:board], canvas[-board:] = self.base, self.back
        if name in ('+x', '-x') and self.is_hard:
            side = max(1, round(width * shares[1]))
            canvas[:, slice(-side, None) if name == '+x' else slice(0, side)] = self.back
        return canvas


def _sample_look(rng: np.random.Generator, is_hard: bool, print_density: float) -> Look:
    base = sample_colour(rng)
    back = base if rng.random() < 0.7 else sample_colour(rng)
    paper = rng.uniform(185, 248) * np.array([rng.uniform(0.78, 1.0), rng.uniform(0.93, 1.0), 1.0])
    inks = contrast_colour(rng, base), contrast_colour(rng, base)
    return Look(base, *inks, back, paper, is_hard, print_density * rng.uniform(0.7, 1.5))
