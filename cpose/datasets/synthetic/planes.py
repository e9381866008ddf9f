"""Textured planes in perspective: floors, tables and walls."""

from dataclasses import dataclass
from itertools import pairwise
from math import hypot, log2, sqrt

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.materials import TILE, material_pyramid
from cpose.datasets.synthetic.raster import (
    blend,
    bounding_rectangle,
    is_empty,
    polygon_coverage,
)

BAND_HEIGHT = 96
"""Rows that are drawn from one level of the texture's pyramid."""


MAX_TEXELS = 3_000_000
MAX_COORDINATE = 30_000
"""OpenCV's warps keep source coordinates in 16 bits."""

PIXEL_STEPS = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])


@dataclass(frozen=True)
class PlaneMaterial:
    """A coloured material.

    Attributes:
        name: One of `materials.MATERIALS`.
        variant: Number of the pattern.
        table: (256, 1, 3) uint8 colours of the grey levels.
        tile: Metres that one texture tile covers.
    """

    name: str
    variant: int
    table: np.ndarray
    tile: float


def draw_plane(
    image: np.ndarray,
    camera: VirtualCamera,
    polygon_world: np.ndarray,
    axes: np.ndarray,
    material: PlaneMaterial,
    reduction: int = 1,
) -> np.ndarray:
    """Draw a convex part of a plane on an image (H, W, 3) uint8, in place.

    Args:
        image: The picture so far.
        camera: The camera.
        polygon_world: (N, 3) outline.
        axes: (2, 3) unit vectors in the plane along which the texture lies, world.
        material: What it is made of.
        reduction: Draw the texture so many times smaller and enlarge it; borders stay sharp.

    Returns:
        (M, 2) outline in the image, pixels; M is 0 if the plane is not in view.
    """
    outline = camera.project_polygon(polygon_world)
    rectangle = bounding_rectangle(outline, camera.image_wh)
    if is_empty(rectangle):
        return np.zeros((0, 2))
    image_from_plane = camera.image_from_plane(polygon_world[0], axes * (material.tile / TILE))
    left, top, right, bottom = rectangle
    middle = (reduction - 1) / 2
    image_from_cells = np.array(
        [[reduction, 0, left + middle], [0, reduction, top + middle], [0, 0, 1.0]]
    )
    texels_from_cells = np.linalg.inv(image_from_plane) @ image_from_cells
    wh = -(-(right - left) // reduction), -(-(bottom - top) // reduction)
    layer = cv2.applyColorMap(_warp_in_bands(material, texels_from_cells, wh), material.table)
    if reduction > 1:
        layer = cv2.resize(layer, (wh[0] * reduction, wh[1] * reduction))
        layer = layer[: bottom - top, : right - left]
    blend(image[top:bottom, left:right], layer, polygon_coverage(outline, rectangle))
    return outline


def _warp_in_bands(
    material: PlaneMaterial, texels_from_cells: np.ndarray, wh: tuple[int, int]
) -> np.ndarray:
    """Return the grey texture (h, w) uint8, each band from the level that suits its distance."""
    width, height = wh
    grey = np.empty((height, width), dtype=np.uint8)
    borders = np.linspace(0, height, max(2, height // BAND_HEIGHT) + 1).astype(int)
    pyramid = material_pyramid(material.name, material.variant)
    for start, end in pairwise(borders):
        if end > start:
            samples = _apply(texels_from_cells, PIXEL_STEPS + np.array([width, start + end]) / 2)
            across, down = (hypot(*step) for step in (samples[1:] - samples[0]).tolist())
            density = sqrt(max(across * down, 1e-9))
            level = min(max(round(log2(density)), 0), len(pyramid) - 1)
            shrink = np.diag([0.5**level, 0.5**level, 1.0])
            below = np.array([[1, 0, 0], [0, 1, start], [0, 0, 1.0]])
            texels_from_band = shrink @ texels_from_cells @ below
            grey[start:end] = _warp_tiled(pyramid[level], texels_from_band, (width, end - start))
    return grey


def _warp_tiled(tile: np.ndarray, texels_from_image: np.ndarray, wh: tuple[int, int]) -> np.ndarray:
    """Warp a texture that goes on for ever.

    As many tiles as are seen are laid out first: a warp that stays inside its source is five
    times as fast as one that wraps around. Only near the horizon there are too many of them.
    """
    corners = np.array([(0, 0), (wh[0], 0), (0, wh[1]), wh], dtype=np.float64)
    side = tile.shape[0]
    is_ahead = np.append(corners, np.ones((4, 1)), axis=1) @ texels_from_image[2]
    texels = _apply(texels_from_image, corners)
    first = np.floor((texels.min(axis=0) - 2) / side)
    counts = np.floor((texels.max(axis=0) + 2) / side) - first + 1
    is_bounded = np.ptp(np.sign(is_ahead)) == 0 and counts.prod() * side**2 <= MAX_TEXELS
    if is_bounded and counts.max() * side < MAX_COORDINATE:
        source = cv2.repeat(tile, int(counts[1]), int(counts[0]))
        border = cv2.BORDER_REPLICATE
    else:
        first = np.floor(_apply(texels_from_image, corners.mean(axis=0)[None])[0] / side)
        source, border = tile, cv2.BORDER_WRAP
    shift = np.array([[1, 0, -first[0] * side], [0, 1, -first[1] * side], [0, 0, 1]])
    return cv2.warpPerspective(
        source,
        shift @ texels_from_image,
        wh,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )


def _apply(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    mapped = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ homography.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])
