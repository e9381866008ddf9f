"""What lens, sensor and file format do to a clean picture."""

from functools import lru_cache
from math import sqrt

import cv2
import numpy as np

from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.painting.materials import BANK_SEED
from cpose.datasets.synthetic.settings import RealismSettings

FIELD_SIDE = 64
"""Cells that a field of light is smooth on, before it is enlarged linearly, which is faster."""

NOISE_SIDE = 640
NOISE_SIGMA = 24.0
"""Standard deviation of the stored noise, grey levels."""


def apply_camera(
    rng: np.random.Generator, image: np.ndarray, realism: RealismSettings
) -> np.ndarray:
    """Pass a picture (H, W, 3) uint8 through light fall-off, tone, blur, noise and compression."""
    if _happens(rng, realism.window_light):
        image = _light_from_one_side(rng, image)
    if rng.random() < realism.tone:
        image = _uneven_light(rng, image)
        image = cv2.LUT(image, _tone_curve(rng))
    if rng.random() < realism.blur:
        image = _blur(rng, image)
    if _happens(rng, realism.webcam):
        image = _webcam(rng, image)
    if rng.random() < realism.noise:
        image = _add_noise(rng, image)
    if _happens(rng, realism.grey):
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < realism.compression:
        image = _compress(rng, image)
    return image


def _happens(rng: np.random.Generator, probability: float) -> bool:
    """Draw only where the effect is wanted: without it pictures stay what they were."""
    return probability > 0 and bool(rng.random() < probability)


def _light_from_one_side(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Brighten one side, up to white, and darken the other, with a soft or a sharp border."""
    height, width = image.shape[:2]
    side = FIELD_SIDE // 4
    rows, columns = (np.indices((side, side)) / (side - 1)) - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.choice([2.0, 4.0, 14.0])
    along = (columns * np.cos(angle) + rows * np.sin(angle) + rng.uniform(-0.4, 0.4)) * slope
    dark, bright = rng.uniform(0.35, 0.9), rng.uniform(1.1, 2.2)
    gain = dark + (bright - dark) / (1 + np.exp(-2 * along))
    tint = 1 + rng.normal(0, 0.06, 3)
    field = np.clip(gain[..., None] * tint * 100, 0, 255).astype(np.uint8)
    return cv2.multiply(image, cv2.resize(field, (width, height)), scale=1 / 100)


def _webcam(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Lose colour detail, oversharpen and exaggerate contrast and colour."""
    height, width = image.shape[:2]
    luma, *chroma = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb))
    step = int(rng.integers(2, 5))
    small = width // step, height // step
    saturation = rng.uniform(0.6, 1.7)
    chroma = [
        cv2.resize(cv2.resize(part, small, interpolation=cv2.INTER_AREA), (width, height))
        for part in chroma
    ]
    chroma = [cv2.addWeighted(part, saturation, part, 0, 128 * (1 - saturation)) for part in chroma]
    soft = cv2.GaussianBlur(luma, (0, 0), rng.uniform(0.7, 1.6))
    amount = rng.uniform(0.0, 1.4)
    contrast = rng.uniform(0.9, 1.5)
    shift = 128 * (1 - contrast) + rng.normal(0, 18)
    luma = cv2.addWeighted(luma, (1 + amount) * contrast, soft, -amount * contrast, shift)
    return np.asarray(cv2.cvtColor(cv2.merge([luma, *chroma]), cv2.COLOR_YCrCb2BGR))


def _uneven_light(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Multiply by a smooth field: vignetting, pools of light, warm and cold sides."""
    height, width = image.shape[:2]
    steps = np.linspace(-1, 1, 9)
    vignette = 1 - rng.uniform(0, 0.25) * (steps[None] ** 2 + steps[:, None] ** 2) / 2
    pools = 1 + rng.normal(0, rng.uniform(0.02, 0.2), (3, 3, 1)) + rng.normal(0, 0.02, (3, 3, 3))
    smooth_pools = cv2.resize(pools.astype(np.float32), (9, 9), interpolation=cv2.INTER_LINEAR)
    field = np.clip(vignette[..., None] * smooth_pools * 170, 0, 255).astype(np.uint8)
    fine = cv2.resize(field, (FIELD_SIDE, FIELD_SIDE), interpolation=cv2.INTER_CUBIC)
    smooth = cv2.resize(fine, (width, height))
    return cv2.multiply(image, smooth, scale=1 / 170)


def _tone_curve(rng: np.random.Generator) -> np.ndarray:
    """Return a table (1, 256, 3) uint8: exposure, white balance, gamma, contrast, black level."""
    levels = np.arange(256)[:, None] / 255
    gain = np.exp(rng.normal(0, 0.16)) * np.exp(rng.normal(0, 0.06, 3))
    curve = (levels * gain) ** np.exp(rng.normal(0, 0.14))
    contrast = np.exp(rng.normal(0, 0.12))
    curve = 0.5 + (curve - 0.5) * contrast
    lifted = curve * (1 - rng.uniform(0, 0.06)) + rng.uniform(0, 0.04)
    return np.asarray(np.clip(lifted * 255, 0, 255).astype(np.uint8)[None])


def _blur(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    scale = max(image.shape[:2]) / 512
    if rng.random() < 0.75:
        sigma = scale * log_uniform(rng, 0.35, 1.7)
        return cv2.GaussianBlur(image, (0, 0), max(sigma, 0.2))
    length = max(3, round(scale * rng.uniform(3, 9)))
    kernel = np.zeros((length, length), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    middle = (length - 1) / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * middle
    ends = [np.round(middle + sign * reach).astype(int).tolist() for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


@lru_cache(maxsize=1)
def _noise_bank() -> tuple[np.ndarray, ...]:
    """Return white, grey and blotchy noise, (640, 640, 3) uint8 around 128."""
    rng = np.random.default_rng([BANK_SEED, 2])
    white = rng.standard_normal((NOISE_SIDE, NOISE_SIDE, 3)).astype(np.float32)
    grey = white[..., :1].repeat(3, 2) * 0.9 + white * 0.4
    blotchy = cv2.GaussianBlur(white, (0, 0), 1.0)
    banks = [noise / noise.std() * NOISE_SIGMA + 128 for noise in (white, grey, blotchy)]
    return tuple(np.clip(np.round(noise), 0, 255).astype(np.uint8) for noise in banks)


def _add_noise(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    bank = _noise_bank()[int(rng.integers(3))]
    repeats = -(-height // NOISE_SIDE), -(-width // NOISE_SIDE)
    if max(repeats) > 1:
        bank = np.tile(bank, (*repeats, 1))
    top = int(rng.integers(0, bank.shape[0] - height + 1))
    left = int(rng.integers(0, bank.shape[1] - width + 1))
    noise = bank[top : top + height, left : left + width]
    # A small picture is a reduced large one: reducing averages the noise.
    largest = min(max(11.0 * sqrt(max(height, width) / 512), 5.0), 14.0)
    strength = log_uniform(rng, 0.8, largest) / NOISE_SIGMA
    return cv2.addWeighted(image, 1.0, noise, strength, -128.0 * strength)


def _compress(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    quality = int(rng.integers(35, 93))
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
