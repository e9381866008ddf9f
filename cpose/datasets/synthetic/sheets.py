"""A bank of things that lie flat: papers, keyboards, phones, mats."""

from functools import cache

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import WeightedChoice
from cpose.datasets.synthetic.face_elements import draw_panel, draw_text_rows, draw_title
from cpose.datasets.synthetic.materials import BANK_SEED
from cpose.datasets.synthetic.palettes import WALL, sample_colour, sample_near
from cpose.datasets.synthetic.photos import sample_photo

VARIANTS = 24
"""Number of sheets of each kind."""


def sample_sheet(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return a texture (h, w, 3) uint8 and the sheet's thickness relative to its width."""
    kind = KINDS.sample(rng)
    sheet = sheet_bank(kind)[int(rng.integers(VARIANTS))]
    gain = rng.uniform(0.75, 1.1) * rng.uniform(0.95, 1.05, 3)
    return cv2.transform(sheet, np.diag(gain)), THICKNESS[kind]


@cache
def sheet_bank(kind: str) -> tuple[np.ndarray, ...]:
    """Return the sheets (h, w, 3) uint8 of one kind, the same in every process."""
    rng = np.random.default_rng([BANK_SEED, 4, KINDS.items.index(kind)])
    return tuple(_PAINTERS[kind](rng) for _ in range(VARIANTS))


def _paint_paper(rng: np.random.Generator) -> np.ndarray:
    page = np.empty((140, 100, 3), dtype=np.uint8)
    page[:] = sample_near(rng, WALL)
    for draw, probability in ((draw_text_rows, 0.8), (draw_title, 0.4), (draw_panel, 0.25)):
        if rng.random() < probability:
            draw(rng, page, sample_colour(rng))
    return page


def _paint_keyboard(rng: np.random.Generator) -> np.ndarray:
    is_pale = rng.random() < 0.3
    body, keys = (200, 235) if is_pale else (rng.uniform(8, 40), rng.uniform(25, 70))
    board = np.full((66, 200, 3), body, dtype=np.uint8)
    for row in range(6):
        for column in range(18):
            left, top = 5 + column * 11, 4 + row * 10
            if column != 14:
                board[top : top + 8, left : left + 8] = keys
    return board


def _paint_phone(rng: np.random.Generator) -> np.ndarray:
    phone = np.full((120, 60, 3), rng.uniform(5, 40), dtype=np.uint8)
    if rng.random() < 0.5:
        phone[8:112, 4:56] = sample_photo(rng, (52, 104))
    return phone


def _paint_mat(rng: np.random.Generator) -> np.ndarray:
    mat = np.empty((80, 100, 3), dtype=np.uint8)
    mat[:] = sample_colour(rng)
    if rng.random() < 0.6:
        return cv2.addWeighted(mat, 0.6, sample_photo(rng, (100, 80)), 0.4, 0)
    return mat


_PAINTERS = {
    'paper': _paint_paper,
    'keyboard': _paint_keyboard,
    'phone': _paint_phone,
    'mat': _paint_mat,
}
KINDS = WeightedChoice(dict(zip(_PAINTERS, (0.32, 0.36, 0.16, 0.16), strict=True)))
THICKNESS = {'paper': 0.0, 'keyboard': 0.03, 'phone': 0.03, 'mat': 0.0}
