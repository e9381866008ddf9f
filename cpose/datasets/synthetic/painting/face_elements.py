"""Things printed on or stuck to a face. Every function draws on the canvas in place."""

import cv2
import numpy as np

from cpose.datasets.synthetic.painting.materials import (
    CARDBOARD,
    contrast_colour,
    sample_colour,
    sample_near,
)
from cpose.datasets.synthetic.painting.photos import sample_photo

LETTERS = 'ABCDEFGHIJKLMNOPRSTUVWXYZabcdeghiklmnoprstuvwxyz0123456789'
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def draw_panel(rng: np.random.Generator, canvas: np.ndarray, ink: np.ndarray) -> None:
    """Fill a band across the face, or a rectangle, with one colour."""
    height, width = canvas.shape[:2]
    left, top, right, bottom = _rectangle(rng, width, height, 0.15, 0.8)
    if rng.random() < 0.6:
        left, right = 0, width
    canvas[top:bottom, left:right] = ink


def draw_photo(rng: np.random.Generator, canvas: np.ndarray, _: np.ndarray) -> None:
    """Print a picture, with straight or elliptic outline."""
    height, width = canvas.shape[:2]
    left, top, right, bottom = _rectangle(rng, width, height, 0.3, 0.95)
    photo = sample_photo(rng, (right - left, bottom - top))
    target = canvas[top:bottom, left:right]
    if rng.random() < 0.6:
        target[:] = photo
        return
    mask = np.zeros(target.shape[:2], dtype=np.uint8)
    middle = ((right - left) // 2, (bottom - top) // 2)
    cv2.ellipse(mask, middle, middle, 0, 0, 360, 255, -1)
    cv2.copyTo(photo, mask, target)


def draw_title(rng: np.random.Generator, canvas: np.ndarray, ink: np.ndarray) -> None:
    """Print one big word, sometimes with an outline."""
    height, width = canvas.shape[:2]
    letters = _word(rng, 3, 9)
    font = FONTS[int(rng.integers(len(FONTS)))]
    thickness = max(1, int(width / rng.uniform(30, 90)))
    (text_width, _), _ = cv2.getTextSize(letters, font, 1.0, thickness)
    scale = min(width * rng.uniform(0.35, 0.9) / text_width, height / 45)
    place = (
        int(width * rng.uniform(0.03, 0.3)),
        int(height * rng.uniform(0.15, 0.95)),
    )
    if rng.random() < 0.3:
        outline = contrast_colour(rng, ink).tolist()
        cv2.putText(canvas, letters, place, font, scale, outline, thickness + 2, cv2.LINE_AA)
    cv2.putText(canvas, letters, place, font, scale, ink.tolist(), thickness, cv2.LINE_AA)


def draw_text_rows(rng: np.random.Generator, canvas: np.ndarray, ink: np.ndarray) -> None:
    """Print a block of small lines of text."""
    height, width = canvas.shape[:2]
    left, top, right, bottom = _rectangle(rng, width, height, 0.2, 0.8)
    step = max(5, int(height * rng.uniform(0.03, 0.07)))
    scale = step / 38
    for row in range(top + step, bottom, step):
        length = max(3, int((right - left) / (scale * 18) * rng.uniform(0.5, 1.0)))
        line = _word(rng, min(length, 40), min(length, 40) + 1)
        place = (left, row)
        cv2.putText(canvas, line, place, FONTS[0], scale, ink.tolist(), 1, cv2.LINE_AA)


def draw_logo(rng: np.random.Generator, canvas: np.ndarray, ink: np.ndarray) -> None:
    """Print a mark of one to four simple shapes."""
    height, width = canvas.shape[:2]
    size = min(height, width) * rng.uniform(0.1, 0.35)
    centre = rng.uniform(0.2, 0.8, 2) * (width, height)
    colour = ink.tolist()
    for _ in range(int(rng.integers(1, 5))):
        middle = (centre + rng.normal(0, 0.3, 2) * size).astype(int)
        kind = rng.random()
        if kind < 0.35:
            radius = max(1, int(size * rng.uniform(0.2, 0.6)))
            thickness = -1 if rng.random() < 0.6 else max(1, radius // 4)
            cv2.circle(canvas, middle.tolist(), radius, colour, thickness, cv2.LINE_AA)
        elif kind < 0.7:
            half = (size * rng.uniform(0.1, 0.5, 2)).astype(int)
            cv2.rectangle(canvas, (middle - half).tolist(), (middle + half).tolist(), colour, -1)
        else:
            angles = rng.uniform(0, 6.28) + np.arange(int(rng.integers(3, 11))) * 2.4
            star = middle + np.stack([np.cos(angles), np.sin(angles)], 1) * size * 0.6
            cv2.fillPoly(canvas, [star.astype(np.int32)], colour, cv2.LINE_AA)
        if rng.random() < 0.4:
            colour = sample_colour(rng).tolist()


def draw_barcode(rng: np.random.Generator, canvas: np.ndarray, _: np.ndarray) -> None:
    """Print a bar code on a white field."""
    height, width = canvas.shape[:2]
    left, top, right, bottom = _rectangle(rng, width, height, 0.12, 0.3)
    canvas[top:bottom, left:right] = 245
    bars = rng.random(max(1, right - left - 4)) < 0.5
    inner = canvas[top + 2 : max(top + 3, bottom - 3), left + 2 : left + 2 + len(bars)]
    inner[:, bars[: inner.shape[1]]] = 20


def draw_label(rng: np.random.Generator, canvas: np.ndarray, _: np.ndarray) -> None:
    """Stick on a white label with some lines of text."""
    height, width = canvas.shape[:2]
    left, top, right, bottom = _rectangle(rng, width, height, 0.2, 0.55)
    canvas[top:bottom, left:right] = rng.uniform(215, 250)
    label = canvas[top:bottom, left:right]
    if min(label.shape[:2]) > 12:
        draw_text_rows(rng, label, np.full(3, rng.uniform(10, 80)))
        if rng.random() < 0.5:
            draw_barcode(rng, label, np.zeros(3))


def draw_tape(rng: np.random.Generator, canvas: np.ndarray, _: np.ndarray) -> None:
    """Stick tape along the middle of the face."""
    height, width = canvas.shape[:2]
    half = max(2, int(height * rng.uniform(0.04, 0.12)))
    middle = int(height * rng.uniform(0.35, 0.65))
    strip = canvas[max(0, middle - half) : middle + half]
    tint = sample_colour(rng) if rng.random() < 0.3 else np.array([90.0, 140.0, 185.0])
    opacity = rng.uniform(0.25, 0.8)
    strip[:] = np.clip(strip * (1 - opacity) + tint * opacity, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        cv2.line(canvas, (0, middle), (width, middle), (40, 60, 80), 1, cv2.LINE_AA)


def draw_seam(rng: np.random.Generator, canvas: np.ndarray, _: np.ndarray) -> None:
    """Draw the gap of a flap or lid: a dark line along a border, a pale one beside it."""
    height, width = canvas.shape[:2]
    side = int(rng.integers(4))
    share = rng.uniform(0.0, 0.12) if rng.random() < 0.7 else rng.uniform(0.3, 0.7)
    tilt = rng.normal(0, 0.004, 2) + share
    thickness = max(1, round(min(height, width) * rng.uniform(0.004, 0.02)))
    mean = np.array(cv2.mean(canvas)[:3])
    dark = (mean * rng.uniform(0.15, 0.6)).tolist()
    ends = _across(side, tilt, width, height)
    if rng.random() < 0.5:
        pale = np.minimum(mean * 1.25 + 12, 255).tolist()
        shift = 1 if side in (0, 2) else -1
        beside = [(x + shift * thickness, y + shift * thickness) for x, y in ends]
        cv2.line(canvas, beside[0], beside[1], pale, thickness, cv2.LINE_AA)
    cv2.line(canvas, ends[0], ends[1], dark, thickness, cv2.LINE_AA)


def draw_inset(rng: np.random.Generator, canvas: np.ndarray, _: np.ndarray) -> None:
    """Let an inner box of another colour show inside a sleeve, with the sleeve's shadow."""
    height, width = canvas.shape[:2]
    margin = np.maximum(1, (rng.uniform(0.01, 0.07, 4) * min(height, width)).astype(int))
    left, top, right, bottom = margin[0], margin[1], width - margin[2], height - margin[3]
    colour = sample_near(rng, CARDBOARD) if rng.random() < 0.6 else sample_colour(rng)
    grain = rng.normal(0, 5, (bottom - top, right - left, 1))
    canvas[top:bottom, left:right] = np.clip(colour + grain, 0, 255)
    depth = max(1, int(margin.min() * rng.uniform(0.5, 2.0)))
    if rng.random() < 0.5:
        canvas[top : top + depth, left:right] //= 2
    else:
        canvas[top:bottom, left : left + depth] //= 2


def draw_stripes(rng: np.random.Generator, canvas: np.ndarray, ink: np.ndarray) -> None:
    """Print parallel stripes."""
    height, width = canvas.shape[:2]
    period = max(6, int(max(height, width) * rng.uniform(0.04, 0.25)))
    slant = int(rng.normal(0, 0.6) * height)
    thickness = max(1, int(period * rng.uniform(0.2, 0.6)))
    for start in range(-abs(slant), width + abs(slant), period):
        ends = (start, 0), (start + slant, height)
        cv2.line(canvas, *ends, ink.tolist(), thickness, cv2.LINE_AA)


def draw_dots(rng: np.random.Generator, canvas: np.ndarray, ink: np.ndarray) -> None:
    """Print a grid of dots."""
    height, width = canvas.shape[:2]
    period = max(8, int(max(height, width) * rng.uniform(0.08, 0.25)))
    radius = max(1, int(period * rng.uniform(0.15, 0.4)))
    for number, row in enumerate(range(period // 2, height, period)):
        shift = (number % 2) * period // 2
        for column in range(shift, width, period):
            cv2.circle(canvas, (column, row), radius, ink.tolist(), -1, cv2.LINE_AA)


def _word(rng: np.random.Generator, least: int, most: int) -> str:
    numbers = rng.integers(0, len(LETTERS), int(rng.integers(least, most)))
    letters = [LETTERS[number] for number in numbers]
    for gap in range(5, len(letters), int(rng.integers(4, 9))):
        letters[gap] = ' '
    return ''.join(letters)


def _across(
    side: int, shares: np.ndarray, width: int, height: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the ends of a line at a share of the way from the left, top, right or bottom."""
    first, second = shares if side < 2 else 1 - shares
    if side % 2 == 0:
        return (int(first * width), 0), (int(second * width), height)
    return (0, int(first * height)), (width, int(second * height))


def _rectangle(
    rng: np.random.Generator, width: int, height: int, least: float, most: float
) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a rectangle of the given relative size."""
    across = max(3, int(width * rng.uniform(least, most)))
    down = max(3, int(height * rng.uniform(least, most)))
    left = int(rng.integers(0, max(1, width - across)))
    top = int(rng.integers(0, max(1, height - down)))
    return left, top, min(width, left + across), min(height, top + down)
