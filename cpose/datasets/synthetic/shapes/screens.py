"""What screens show: nothing, a desktop, an editor, a page of the web."""

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import WeightedChoice
from cpose.datasets.synthetic.painting.face_elements import (
    draw_panel,
    draw_text_rows,
    draw_title,
)
from cpose.datasets.synthetic.painting.materials import sample_colour
from cpose.datasets.synthetic.painting.photos import sample_photo
from cpose.datasets.synthetic.painting.raster import fill_rectangle, filled

SHOWS = WeightedChoice({'off': 0.3, 'desktop': 0.25, 'text': 0.25, 'page': 0.2})


def _show_nothing(rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
    dark = rng.uniform(3, 25) + rng.uniform(0, 40) * rng.random((3, 4, 1)) * rng.uniform(0.8, 1, 3)
    return np.asarray(cv2.resize(dark.astype(np.uint8), wh, interpolation=cv2.INTER_CUBIC))


def _show_desktop(rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
    screen = sample_photo(rng, wh)
    width, height = wh
    bar = rng.uniform(10, 240)
    screen[: height // 16] = bar
    for row in range(int(rng.integers(1, 7))):
        icon = (0.03 * width, (0.1 + 0.13 * row) * height)
        fill_rectangle(
            screen, (*icon, icon[0] + 0.06 * width, icon[1] + 0.09 * height), sample_colour(rng)
        )
    if rng.random() < 0.6:
        _open_window(rng, screen)
    return screen


def _open_window(rng: np.random.Generator, screen: np.ndarray) -> None:
    height, width = screen.shape[:2]
    left, top = rng.uniform(0.05, 0.4, 2) * (width, height)
    right, bottom = rng.uniform(0.6, 0.97, 2) * (width, height)
    is_pale = rng.random() < 0.6
    ground = np.full(3, rng.uniform(225, 255) if is_pale else rng.uniform(15, 45))
    fill_rectangle(screen, (left, top, right, bottom), ground)
    inner = screen[round(top) : round(bottom), round(left) : round(right)]
    if min(inner.shape[:2]) > 12:
        draw_text_rows(rng, inner, 255 - ground)


def _show_text(rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
    """An editor or a document."""
    is_pale = rng.random() < 0.55
    ground = rng.uniform(225, 255) if is_pale else rng.uniform(12, 45)
    screen = filled(wh, np.full(3, ground))
    width, height = wh
    step = max(3, height // int(rng.integers(16, 34)))
    indent = 0.0
    for row in range(step * 2, height - step, step):
        indent = min(max(indent + rng.choice([-0.04, 0, 0, 0.04]), 0), 0.2)
        if rng.random() < 0.85:
            left = (0.06 + indent) * width
            right = left + rng.uniform(0.1, 0.75 - indent) * width
            ink = sample_colour(rng) if rng.random() < 0.3 else np.full(3, 255 - ground)
            fill_rectangle(
                screen, (left, row, right, row + max(1, step // 2 - 1)), ink * 0.8 + 0.2 * ground
            )
    screen[: max(1, height // 14)] = rng.uniform(30, 230)
    if rng.random() < 0.5:
        screen[:, : width // 7] = np.clip(ground * 0.85 + 12, 0, 255)
    return screen


def _show_page(rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
    """A page of the web: title, pictures and text."""
    screen = filled(wh, np.full(3, rng.uniform(235, 255)))
    width, height = wh
    screen[: height // 9] = sample_colour(rng)
    left = int(rng.uniform(0.05, 0.4) * width)
    photo = screen[height // 6 : height // 2, left : left + width // 2]
    photo[:] = sample_photo(rng, photo.shape[1::-1])
    for draw in (draw_text_rows, draw_title, draw_panel):
        if rng.random() < 0.6:
            draw(rng, screen[height // 2 :], sample_colour(rng))
    return screen


SCREENS = {
    'off': _show_nothing,
    'desktop': _show_desktop,
    'text': _show_text,
    'page': _show_page,
}


def add_glare(rng: np.random.Generator, screen: np.ndarray) -> None:
    """Brighten the screen towards one side, in place."""
    if rng.random() < 0.5:
        corners = (rng.random((2, 2)) ** 2 * rng.uniform(5, 70)).astype(np.float32)
        glare = cv2.resize(corners, screen.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        cv2.add(screen, cv2.merge([glare.astype(np.uint8)] * 3), dst=screen)
