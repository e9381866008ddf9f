"""Affine maps between original and network pixels: letterbox, crop, flip and their inverses.

A pixel is named by its integer centre and scaling has no half-pixel shift: x maps to
(x − c) · R / s + R / 2 for a crop of side s around c into R pixels.
Source: Zhou et al., "Objects as Points" (CenterNet); TAO PyTorch 6.25.10.
"""

import numpy as np


def letterbox_side(image_wh: tuple[int, int], input_wh: tuple[int, int]) -> float:
    """Return the crop side for `crop_affine` with which the whole image just fits.

    For a square input this is the longer side of the image.

    Args:
        image_wh: Width and height of the image, pixels.
        input_wh: Width and height of the network input, pixels.
    """
    scale = min(input_wh[0] / image_wh[0], input_wh[1] / image_wh[1])
    return min(input_wh) / scale


def letterbox_affine(image_wh: tuple[int, int], input_wh: tuple[int, int]) -> np.ndarray:
    """Return the (2, 3) map that fits the whole image, centred, into the network input."""
    center = np.array(image_wh, dtype=np.float64) / 2
    return crop_affine(center, letterbox_side(image_wh, input_wh), input_wh)


def crop_affine(
    center: np.ndarray,
    side: float,
    input_wh: tuple[int, int],
    rotation_deg: float = 0.0,
    flip_width: int | None = None,
) -> np.ndarray:
    """Return the affine of a crop: flip, then rotation, then scaling.

    Args:
        center: (2,) middle of the crop, image pixels, after the flip.
        side: Image pixels that span the shorter side of the input.
        input_wh: Width and height of the network input, pixels.
        rotation_deg: Angle a; points are turned about ``center`` by −a in image axes.
        flip_width: Image width for a horizontal flip (x becomes width − 1 − x), or None.

    Returns:
        (2, 3) float64, input pixels from image pixels.
    """
    angle = np.deg2rad(rotation_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, sin], [-sin, cos]]) * (min(input_wh) / side)
    shift = np.array(input_wh, dtype=np.float64) / 2 - linear @ np.asarray(center, np.float64)
    if flip_width is not None:
        shift = shift + linear[:, 0] * (flip_width - 1)
        linear = linear * np.array([-1.0, 1.0])
    return np.concatenate([linear, shift[:, None]], axis=1)


def apply_affine(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map points (..., 2) with an affine (2, 3); returns (..., 2)."""
    return np.asarray(points) @ affine[:, :2].T + affine[:, 2]


def invert_affine(affine: np.ndarray) -> np.ndarray:
    """Return the (2, 3) inverse of an affine (2, 3)."""
    inverse = np.linalg.inv(affine[:, :2])
    return np.concatenate([inverse, -inverse @ affine[:, 2:]], axis=1)
