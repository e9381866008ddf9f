"""Flat things that stand or hang upright behind the boxes: screens, pictures, windows, shelves."""

from functools import cache

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform
from cpose.datasets.synthetic.painting.face_elements import draw_text_rows
from cpose.datasets.synthetic.painting.materials import (
    BANK_SEED,
    WALL,
    WOOD,
    material_pyramid,
    ramp,
    sample_colour,
    sample_near,
)
from cpose.datasets.synthetic.painting.photos import sample_photo
from cpose.datasets.synthetic.painting.raster import draw_quad, fill_polygon
from cpose.datasets.synthetic.scene import Scene

PANEL = (150, 100)
"""Width and height of a panel's texture, pixels."""
VARIANTS = 24
"""Number of panels of each kind."""


def sample_panel(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Return the kind and the recoloured texture (100, 150, 3) uint8 of a panel."""
    kind = KINDS.sample(rng)
    panel = panel_bank(kind)[int(rng.integers(VARIANTS))]
    gain = rng.uniform(0.75, 1.1) * rng.uniform(0.93, 1.07, 3)
    if rng.random() < 0.5:
        panel = cv2.flip(panel, 1)
    return kind, cv2.transform(panel, np.diag(gain))


@cache
def panel_bank(kind: str) -> tuple[np.ndarray, ...]:
    """Return the panels (100, 150, 3) uint8 of one kind, the same in every process."""
    rng = np.random.default_rng([BANK_SEED, 3, KINDS.items.index(kind)])
    return tuple(_PAINTERS[kind](rng) for _ in range(VARIANTS))


def _paint_screen(rng: np.random.Generator) -> np.ndarray:
    """A dark glossy screen with a frame; sometimes it shows something."""
    if rng.random() < 0.2:
        panel = sample_photo(rng, PANEL)
    else:
        dark = np.full(3, rng.uniform(4, 35))
        glow = dark + rng.uniform(0, 70) * rng.uniform(0.7, 1.3, 3)
        panel = _smooth_panel(rng, dark, glow)
    frame = int(rng.integers(2, 6))
    colour = (sample_colour(rng) if rng.random() < 0.1 else np.full(3, rng.uniform(5, 60))).tolist()
    cv2.rectangle(panel, (0, 0), (PANEL[0] - 1, PANEL[1] - 1), colour, frame * 2)
    return panel


def _paint_picture(rng: np.random.Generator) -> np.ndarray:
    panel = sample_photo(rng, PANEL)
    if rng.random() < 0.6:
        frame = int(rng.integers(1, 10))
        cv2.rectangle(panel, (0, 0), (149, 99), sample_colour(rng).tolist(), frame * 2)
    return panel


def _paint_window(rng: np.random.Generator) -> np.ndarray:
    bright = np.full(3, rng.uniform(190, 255))
    panel = _smooth_panel(rng, bright * rng.uniform(0.6, 1.0, 3), bright)
    colour = sample_near(rng, WALL).tolist()
    for share in np.linspace(0, 1, int(rng.integers(2, 5))):
        cv2.line(panel, (int(share * 149), 0), (int(share * 149), 99), colour, 4)
    cv2.rectangle(panel, (0, 0), (149, 99), colour, 8)
    return panel


def _paint_board(rng: np.random.Generator) -> np.ndarray:
    """A whiteboard or notice: pale, with strokes or text."""
    pale = sample_near(rng, WALL)
    panel = _smooth_panel(rng, pale, pale * rng.uniform(0.9, 1.1))
    if rng.random() < 0.5:
        draw_text_rows(rng, panel, sample_colour(rng))
    for _ in range(int(rng.integers(0, 7))):
        points = np.cumsum(rng.normal(0, 9, (6, 2)), axis=0) + rng.uniform((15, 15), (135, 85))
        ink = sample_colour(rng).tolist()
        cv2.polylines(panel, [points.astype(np.int32)], False, ink, 1, cv2.LINE_AA)
    cv2.rectangle(panel, (0, 0), (149, 99), (pale * 0.7).tolist(), 3)
    return panel


def _paint_cupboard(rng: np.random.Generator) -> np.ndarray:
    """Doors or drawers with gaps and knobs."""
    base = sample_near(rng, WOOD) if rng.random() < 0.6 else sample_near(rng, WALL)
    level = material_pyramid('wood', int(rng.integers(3)))[1][:100, :150]
    panel = cv2.applyColorMap(np.ascontiguousarray(level), ramp(base * 0.93, base * 1.05))
    columns, rows = rng.integers(1, 4, 2)
    dark = (base * 0.45).tolist()
    for column in range(columns + 1):
        cv2.line(panel, (column * 149 // columns, 0), (column * 149 // columns, 99), dark, 2)
    for row in range(rows + 1):
        cv2.line(panel, (0, row * 99 // rows), (149, row * 99 // rows), dark, 2)
    for column in range(columns):
        for row in range(rows):
            place = (int((column + 0.5) * 149 / columns), int((row + 0.3) * 99 / rows))
            cv2.circle(panel, place, 2, dark, -1, cv2.LINE_AA)
    return panel


def _paint_shelf(rng: np.random.Generator) -> np.ndarray:
    """Rows of book spines."""
    panel = np.empty((100, 150, 3), dtype=np.uint8)
    panel[:] = sample_near(rng, WOOD) * 0.4
    rows = int(rng.integers(1, 4))
    for row in range(rows):
        bottom = (row + 1) * 100 // rows - 3
        left = 0
        while left < 150:
            thick = int(rng.integers(4, 14))
            tall = int(100 / rows * rng.uniform(0.55, 0.9))
            if rng.random() < 0.88:
                panel[bottom - tall : bottom, left : left + thick - 1] = sample_colour(rng)
            left += thick
    return panel


def _paint_curtain(rng: np.random.Generator) -> np.ndarray:
    base = sample_colour(rng)
    folds = np.sin(np.linspace(0, rng.uniform(20, 90), 150) + rng.normal(0, 0.3, 150).cumsum())
    panel = base * (1 + 0.18 * folds[None, :, None])
    return np.clip(np.repeat(panel, 100, axis=0), 0, 255).astype(np.uint8)


def _smooth_panel(rng: np.random.Generator, dark: np.ndarray, light: np.ndarray) -> np.ndarray:
    weights = (rng.random((3, 4)) ** 2)[..., None]
    small = np.clip(dark + (light - dark) * weights, 0, 255).astype(np.uint8)
    return cv2.resize(small, PANEL, interpolation=cv2.INTER_CUBIC)


_PAINTERS = {
    'screen': _paint_screen,
    'picture': _paint_picture,
    'window': _paint_window,
    'board': _paint_board,
    'cupboard': _paint_cupboard,
    'shelf': _paint_shelf,
    'curtain': _paint_curtain,
}
KINDS = WeightedChoice(dict(zip(_PAINTERS, (0.4, 0.16, 0.08, 0.14, 0.08, 0.08, 0.06), strict=True)))


def draw_upright_items(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, count: int, gap: float
) -> None:
    """Draw panels between the boxes and the wall, the farthest first, in place.

    Args:
        rng: Source of randomness.
        image: (H, W, 3) uint8.
        scene: Camera and boxes.
        count: Number of panels.
        gap: Metres from the boxes back to the wall.
    """
    back = min((part[:, 1].min() for part in scene.footprints), default=-2 * scene.camera.height)
    for share in np.sort(rng.uniform(0.25, 0.98, count))[::-1]:
        _draw_panel(rng, image, scene, float(back - gap * share), gap)


def _draw_panel(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, depth: float, gap: float
) -> None:
    camera = scene.camera
    yaw = rng.normal(0, 0.25)
    along = np.array([np.cos(yaw), 0.0, np.sin(yaw)])
    width = abs(depth) * log_uniform(rng, 0.12, 0.9)
    height = width * log_uniform(rng, 0.45, 1.5)
    foot = np.array([abs(depth) * rng.uniform(-0.9, 0.9), 0.0, depth])
    foot[1] = height * rng.uniform(0.05, 0.5) if rng.random() < 0.7 else 0.0
    half, up = along * width / 2, np.array([0.0, height, 0.0])
    top_left, top_right = foot - half + up, foot + half + up
    corners = np.array([top_left, top_right, foot + half, foot - half])
    if camera.to_cv(corners)[:, 2].min() < 0.1 * gap + 0.02:
        return
    kind, texture = sample_panel(rng)
    if kind == 'screen':
        _draw_stand(rng, image, scene, foot, half)
    draw_quad(image, texture, camera.project(corners))


def _draw_stand(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, foot: np.ndarray, half: np.ndarray
) -> None:
    colour = np.full(3, rng.uniform(15, 120))
    ground = foot * (1.0, 0.0, 1.0)
    neck = half * rng.uniform(0.1, 0.25)
    pole = np.array([foot - neck, foot + neck, ground + neck, ground - neck])
    wide = half * rng.uniform(0.3, 0.6)
    deep = np.array([-wide[2], 0.0, wide[0]]) * 0.7
    plate = np.array([ground - wide - deep, ground + wide - deep, ground + wide + deep])
    plate = np.concatenate([plate, [ground - wide + deep]])
    fill_polygon(image, scene.camera.project_polygon(plate), colour * 0.8)
    fill_polygon(image, scene.camera.project_polygon(pole), colour)
