"""Prints on the faces of one box: the faces differ, the style is shared."""

from dataclasses import dataclass

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import WeightedChoice
from cpose.datasets.synthetic.painting.face_elements import (
    draw_barcode,
    draw_dots,
    draw_inset,
    draw_label,
    draw_logo,
    draw_panel,
    draw_photo,
    draw_seam,
    draw_stripes,
    draw_tape,
    draw_text_rows,
    draw_title,
)
from cpose.datasets.synthetic.painting.materials import (
    CARDBOARD,
    contrast_colour,
    material_pyramid,
    ramp,
    sample_colour,
    sample_near,
)

KINDS = WeightedChoice(
    {'cardboard': 0.26, 'printed': 0.32, 'cereal': 0.2, 'plain': 0.14, 'pattern': 0.08}
)
TURNS = WeightedChoice(
    {
        None: 0.7,
        cv2.ROTATE_90_COUNTERCLOCKWISE: 0.12,
        cv2.ROTATE_180: 0.06,
        cv2.ROTATE_90_CLOCKWISE: 0.12,
    }
)
"""How a print may be turned on its face."""

ELEMENTS = {
    'cardboard': (
        (draw_inset, 0.08),
        (draw_tape, 0.35),
        (draw_seam, 0.5),
        (draw_logo, 0.4),
        (draw_title, 0.3),
        (draw_label, 0.35),
    ),
    'printed': (
        (draw_panel, 0.45),
        (draw_photo, 0.45),
        (draw_title, 0.6),
        (draw_text_rows, 0.5),
        (draw_logo, 0.5),
        (draw_barcode, 0.2),
        (draw_label, 0.15),
        (draw_seam, 0.3),
    ),
    'cereal': (
        (draw_photo, 0.75),
        (draw_panel, 0.5),
        (draw_title, 0.8),
        (draw_logo, 0.6),
        (draw_text_rows, 0.35),
        (draw_stripes, 0.2),
        (draw_seam, 0.2),
    ),
    'plain': (
        (draw_inset, 0.2),
        (draw_seam, 0.4),
        (draw_logo, 0.15),
        (draw_label, 0.15),
        (draw_title, 0.12),
        (draw_tape, 0.08),
    ),
    'pattern': ((draw_stripes, 0.5), (draw_dots, 0.5), (draw_photo, 0.3), (draw_label, 0.3)),
}
"""What may be drawn on a face of each kind and how probable it is."""


@dataclass(frozen=True)
class BoxStyle:
    """What the faces of one box have in common.

    Attributes:
        kind: One of `KINDS`.
        base: (3,) BGR main colour.
        inks: (I, 3) BGR colours of the print.
        grain: Contrast of the material's texture, grey levels.
        fade: (3,) BGR added towards the lower border.
        density: Factor on the number of printed elements.
        edge: Grey levels added along the borders of every face.
    """

    kind: str
    base: np.ndarray
    inks: np.ndarray
    grain: float
    fade: np.ndarray
    density: float
    edge: float


def sample_style(rng: np.random.Generator, print_density: float = 1.0) -> BoxStyle:
    """Sample the look of one box.

    Args:
        rng: Source of randomness.
        print_density: Factor on the number of printed elements, 0 for bare boxes.
    """
    kind = KINDS.sample(rng)
    base = sample_near(rng, CARDBOARD) if kind == 'cardboard' else sample_colour(rng)
    inks = np.array([contrast_colour(rng, base) for _ in range(3)])
    if kind == 'cardboard':
        inks[0] = base * rng.uniform(0.1, 0.45)
    has_fade = rng.random() < 0.4 and kind != 'cardboard'
    fade = (sample_colour(rng) - base) * rng.uniform(0.3, 1.0) if has_fade else np.zeros(3)
    grain = rng.uniform(6, 28) if kind == 'cardboard' else rng.uniform(0, 8)
    edge = rng.normal(0, 14)
    density = print_density * rng.uniform(0.5, 1.6)
    return BoxStyle(kind, base, inks, grain, fade, density, edge)


def paint_face(
    rng: np.random.Generator, style: BoxStyle, wh: tuple[int, int], is_main: bool = True
) -> np.ndarray:
    """Paint one face.

    Args:
        rng: Source of randomness.
        style: The box's style.
        wh: Width and height in pixels.
        is_main: Whether it is one of the faces that carry most of the print.

    Returns:
        (h, w, 3) uint8 BGR.
    """
    turns = TURNS.sample(rng)
    width, height = wh if turns in (None, cv2.ROTATE_180) else wh[::-1]
    canvas = _paint_ground(rng, style, (width, height))
    density = style.density * (1.0 if is_main else 0.55)
    for draw, probability in ELEMENTS[style.kind]:
        if rng.random() < probability * density:
            draw(rng, canvas, style.inks[int(rng.integers(len(style.inks)))])
    face = canvas if turns is None else cv2.rotate(canvas, turns)
    if abs(style.edge) > 4:
        _draw_worn_edges(face, style.edge)
    return face


def _paint_ground(rng: np.random.Generator, style: BoxStyle, wh: tuple[int, int]) -> np.ndarray:
    width, height = wh
    variant = int(rng.integers(3))
    level = material_pyramid('plaster' if rng.random() < 0.6 else 'fabric', variant)[1]
    left, top = rng.integers(0, 256 - min(width, 255)), rng.integers(0, 256 - min(height, 255))
    grey = np.ascontiguousarray(level[top : top + height, left : left + width])
    if grey.shape != (height, width):
        grey = np.resize(grey, (height, width))
    base = np.clip(style.base * rng.uniform(0.94, 1.06), 0, 255)
    canvas = cv2.applyColorMap(grey, ramp(base - style.grain, base + style.grain))
    if style.fade.any():
        slope = np.linspace(0, 1, height)[:, None, None] ** 1.5
        fade = cv2.resize(np.floor(slope * style.fade).astype(np.int16), (width, height))
        canvas = cv2.add(canvas, fade, dtype=cv2.CV_8U)
    return np.asarray(canvas)


def _draw_worn_edges(face: np.ndarray, amount: float) -> None:
    height, width = face.shape[:2]
    border = max(1, round(min(height, width) * 0.012))
    worn = np.full_like(face, int(abs(amount)))
    worn[border : height - border, border : width - border] = 0
    combine = cv2.add if amount > 0 else cv2.subtract
    combine(face, worn, dst=face)
