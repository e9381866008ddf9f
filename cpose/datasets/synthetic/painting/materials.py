"""Colours and materials that occur indoors, all BGR, 0 to 255."""

from colorsys import hsv_to_rgb
from functools import cache

import cv2
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

TILE = 512
LEVELS = 6
BANK_SEED = 20240511

MATERIALS = (
    'plaster',
    'carpet',
    'granite',
    'wood',
    'planks',
    'parquet',
    'tiles',
    'fabric',
    'marble',
    'brick',
    'checks',
    'plain',
)


@cache
def material_pyramid(name: str, variant: int) -> tuple[np.ndarray, ...]:
    """Return a tileable texture (512, 512) uint8 and its halvings, the finest first.

    Args:
        name: One of `MATERIALS`.
        variant: Number that selects another pattern of the same material.
    """
    rng = np.random.default_rng([BANK_SEED, MATERIALS.index(name), variant])
    level = _normalise(_PAINTERS[name](rng))
    pyramid = [level]
    for _ in range(LEVELS - 1):
        level = cv2.resize(level, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        pyramid.append(level)
    return tuple(pyramid)


def tile_noise(
    rng: np.random.Generator, slope: float, stretch: tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """Return tileable noise (512, 512) with an amplitude that falls as frequency^−slope.

    Args:
        rng: Source of randomness.
        slope: 0 is white; 1 to 2 looks like clouds.
        stretch: Factors on the horizontal and vertical frequency; unequal ones give fibres.
    """
    frequency = np.fft.fftfreq(TILE)
    radius = np.hypot(frequency[None] * stretch[0], frequency[:, None] * stretch[1])
    radius[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal((TILE, TILE))) * radius**-slope
    noise = np.fft.ifft2(spectrum).real
    return np.asarray((noise - noise.mean()) / noise.std())


def _normalise(texture: np.ndarray) -> np.ndarray:
    low, high = np.percentile(texture, (1, 99))
    scaled = (texture - low) / max(high - low, 1e-9)
    return np.asarray(np.clip(scaled * 255, 0, 255).astype(np.uint8))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    steps = np.arange(TILE) / TILE
    return steps[None].repeat(TILE, 0), steps[:, None].repeat(TILE, 1)


def _plaster(rng: np.random.Generator) -> np.ndarray:
    return tile_noise(rng, rng.uniform(0.8, 1.6)) + 0.4 * tile_noise(rng, 0.2)


def _carpet(rng: np.random.Generator) -> np.ndarray:
    return tile_noise(rng, rng.uniform(0.35, 0.7)) + 0.3 * tile_noise(rng, 1.4)


def _granite(rng: np.random.Generator) -> np.ndarray:
    specks = tile_noise(rng, 0.5)
    return np.asarray((specks > 1.2) * rng.uniform(1, 2.5) - (specks < -1.4) + 0.5 * specks)


def _wood(rng: np.random.Generator) -> np.ndarray:
    fibres = tile_noise(rng, 1.0, (12.0, 1.0))
    waves = tile_noise(rng, 2.0, (6.0, 1.5))
    return np.asarray(fibres + rng.uniform(0.2, 1.0) * np.sin(waves * rng.uniform(2, 6)))


def _boards(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Lay boards in rows, each shifted and of its own brightness, with dark joints."""
    across, down = _grid()
    row = np.floor(down * rows).astype(int)
    along = across * columns + rng.uniform(0, 1, rows)[row]
    column = np.floor(along).astype(int) % columns
    tone = rng.normal(0, 0.7, (rows, columns))[row, column]
    joint = np.minimum((down * rows) % 1 * (TILE / rows), (along % 1) * (TILE / columns))
    return np.asarray(_wood(rng) * 0.5 + tone - 2.5 * (joint < 2.0))


def _planks(rng: np.random.Generator) -> np.ndarray:
    return _boards(rng, int(rng.integers(4, 9)), 1)


def _parquet(rng: np.random.Generator) -> np.ndarray:
    return _boards(rng, int(rng.integers(8, 17)), int(rng.integers(2, 5)))


def _tiles(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(2, 7))
    across, down = _grid()
    joint = np.minimum((across * count) % 1, (down * count) % 1)
    tone = rng.normal(0, 0.4, (count, count))
    tones = tone[np.floor(down * count).astype(int), np.floor(across * count).astype(int)]
    sign = rng.choice([-3.0, 3.0])
    return np.asarray(tones + sign * (joint < 0.015 * count) + 0.3 * tile_noise(rng, 1.2))


def _fabric(rng: np.random.Generator) -> np.ndarray:
    across, down = _grid()
    threads = int(rng.integers(24, 90)) * 2 * np.pi
    weave = np.sin(across * threads) * np.sin(down * threads)
    return np.asarray(weave + 0.6 * tile_noise(rng, 0.6))


def _marble(rng: np.random.Generator) -> np.ndarray:
    clouds = tile_noise(rng, 1.7)
    return np.asarray(-(np.abs(np.sin(clouds * rng.uniform(1.5, 4))) ** 0.3) * 2 + 0.6 * clouds)


def _brick(rng: np.random.Generator) -> np.ndarray:
    rows, columns = int(rng.integers(5, 10)) * 2, int(rng.integers(3, 7))
    across, down = _grid()
    row = np.floor(down * rows).astype(int)
    along = across * columns + 0.5 * (row % 2)
    tone = rng.normal(0, 0.6, (rows, columns))[row, np.floor(along).astype(int) % columns]
    joint = np.minimum((down * rows) % 1 * (TILE / rows), (along % 1) * (TILE / columns))
    return np.asarray(tone + 2.0 * (joint < 4) + 0.5 * tile_noise(rng, 0.8))


def _checks(rng: np.random.Generator) -> np.ndarray:
    across, down = _grid()
    count = int(rng.integers(3, 12))
    stripes = np.sign(np.sin(across * count * 2 * np.pi))
    if rng.random() < 0.6:
        stripes = stripes + np.sign(np.sin(down * count * 2 * np.pi))
    return np.asarray(stripes + 0.3 * tile_noise(rng, 0.8))


def _plain(rng: np.random.Generator) -> np.ndarray:
    return tile_noise(rng, 1.9)


_PAINTERS = {
    'plaster': _plaster,
    'carpet': _carpet,
    'granite': _granite,
    'wood': _wood,
    'planks': _planks,
    'parquet': _parquet,
    'tiles': _tiles,
    'fabric': _fabric,
    'marble': _marble,
    'brick': _brick,
    'checks': _checks,
    'plain': _plain,
}


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
