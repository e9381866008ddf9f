"""Colours that occur indoors, all BGR, 0 to 255."""

from colorsys import hsv_to_rgb

import numpy as np

CARDBOARD = ((88, 132, 172), (74, 116, 158), (104, 150, 190), (120, 160, 196), (66, 100, 138))
WOOD = (
    (130, 178, 214),
    (120, 165, 205),
    (96, 140, 186),
    (70, 108, 158),
    (46, 72, 112),
    (34, 48, 74),
    (150, 190, 215),
)
WALL = (
    (240, 242, 242),
    (225, 228, 230),
    (205, 212, 216),
    (190, 205, 215),
    (215, 215, 205),
    (175, 180, 182),
)

STEPS = np.linspace(0.0, 1.0, 256)[:, None]


def sample_colour(rng: np.random.Generator) -> np.ndarray:
    """Sample any colour (3,): vivid, pale, dark or grey in natural shares."""
    kind = rng.random()
    if kind < 0.35:
        saturation, value = rng.uniform(120, 255), rng.uniform(110, 255)
    elif kind < 0.6:
        saturation, value = rng.uniform(15, 90), rng.uniform(170, 255)
    elif kind < 0.8:
        saturation, value = rng.uniform(30, 200), rng.uniform(20, 110)
    else:
        saturation, value = rng.uniform(0, 25), rng.uniform(15, 250)
    return from_hsv(rng.uniform(0, 180), saturation, value)


def sample_near(rng: np.random.Generator, choices: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Pick one colour (3,) of a table and vary it a little."""
    base = np.array(choices[int(rng.integers(len(choices)))], dtype=np.float64)
    return np.clip(base * rng.uniform(0.82, 1.12) + rng.normal(0, 5, 3), 0, 255)


def from_hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """Convert OpenCV's HSV (hue 0 to 180, others 0 to 255) to a BGR colour (3,)."""
    red, green, blue = hsv_to_rgb(hue / 180, saturation / 255, value)
    return np.array([blue, green, red])


def contrast_colour(rng: np.random.Generator, against: np.ndarray) -> np.ndarray:
    """Sample a colour (3,) that can be read on the given one."""
    best = np.zeros(3)
    for _ in range(3):
        colour = sample_colour(rng)
        if np.abs(colour - against).sum() > np.abs(best - against).sum():
            best = colour
    return best


def ramp(dark: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Return a colour table (256, 1, 3) uint8 from one colour (3,) to another."""
    table = np.clip(dark + (light - dark) * STEPS, 0, 255)
    return np.asarray(table[:, None].astype(np.uint8))
