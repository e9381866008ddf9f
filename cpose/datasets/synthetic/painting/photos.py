"""A bank of pictures that look like blurred photographs, for prints, posters and screens."""

from functools import lru_cache

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.painting.materials import (
    BANK_SEED,
    MATERIALS,
    material_pyramid,
    ramp,
    sample_colour,
)

PHOTO = 192
"""Side in pixels."""
COUNT = 48


@lru_cache(maxsize=1)
def photo_bank() -> tuple[np.ndarray, ...]:
    """Return the pictures (192, 192, 3) uint8, the same in every process."""
    rng = np.random.default_rng([BANK_SEED, 1])
    return tuple(_paint_photo(rng) for _ in range(COUNT))


def sample_photo(rng: np.random.Generator, wh: tuple[int, int]) -> np.ndarray:
    """Return a random, mirrored and recoloured cut-out of a picture, (h, w, 3) uint8."""
    photo = photo_bank()[int(rng.integers(COUNT))]
    side = int(rng.integers(PHOTO // 3, PHOTO + 1))
    left, top = rng.integers(0, PHOTO - side + 1, 2)
    part = photo[top : top + side, left : left + side]
    if rng.random() < 0.5:
        part = cv2.merge([part[..., channel] for channel in rng.permutation(3)])
    part = cv2.flip(part, 1) if rng.random() < 0.5 else part
    return cv2.resize(part, wh, interpolation=cv2.INTER_AREA)


def _paint_photo(rng: np.random.Generator) -> np.ndarray:
    photo = _gradient(rng)
    for _ in range(int(rng.integers(3, 14))):
        layer = photo.copy()
        _draw_blob(rng, layer)
        sigma = log_uniform(rng, 0.4, 6)
        photo = cv2.GaussianBlur(layer, (0, 0), sigma)
    name = MATERIALS[int(rng.integers(len(MATERIALS)))]
    grain = material_pyramid(name, int(rng.integers(2)))[1][:PHOTO, :PHOTO].astype(np.float32)
    textured = photo + (grain[..., None] - 128) * rng.uniform(0, 0.35)
    return np.asarray(np.clip(textured, 0, 255).astype(np.uint8))


def _gradient(rng: np.random.Generator) -> np.ndarray:
    steps = np.linspace(0, 255, PHOTO).astype(np.uint8)[:, None].repeat(PHOTO, 1)
    table = ramp(sample_colour(rng), sample_colour(rng))
    return np.asarray(cv2.applyColorMap(steps, table))


def _draw_blob(rng: np.random.Generator, canvas: np.ndarray) -> None:
    colour = sample_colour(rng).tolist()
    centre = rng.integers(0, PHOTO, 2)
    radius = int(log_uniform(rng, 5, 70))
    kind = rng.random()
    if kind < 0.4:
        axes = (radius, max(2, int(radius * rng.uniform(0.3, 1.0))))
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(canvas, centre.tolist(), axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
    elif kind < 0.8:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        reach = radius * rng.uniform(0.5, 1.3, len(angles))
        points = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
        cv2.fillPoly(canvas, [points.astype(np.int32)], colour, cv2.LINE_AA)
    else:
        end = centre + rng.normal(0, 60, 2).astype(int)
        cv2.line(canvas, centre.tolist(), end.tolist(), colour, max(1, radius // 6), cv2.LINE_AA)
