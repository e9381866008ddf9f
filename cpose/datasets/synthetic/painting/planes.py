"""Textured planes in perspective: floors, tables and walls."""

from dataclasses import dataclass
from itertools import pairwise
from math import hypot, log2, sqrt

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.painting.materials import TILE, material_pyramid
from cpose.datasets.synthetic.painting.raster import (
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
    wh = right - left, bottom - top
    plane_from_image = np.linalg.inv(image_from_plane)
    texels_from_cells = plane_from_image @ _moved(np.array([-left, -top])) @ _cells(reduction)
    grey = _warp_in_bands(material, texels_from_cells, _in_cells(wh, reduction))
    layer = _enlarged(cv2.applyColorMap(grey, material.table), reduction, wh)
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
            level_from_texels = np.linalg.inv(_cells(2**level))
            texels_from_band = level_from_texels @ texels_from_cells @ _moved(np.array([0, -start]))
            grey[start:end] = _warp_tiled(pyramid[level], texels_from_band, (width, end - start))
    return grey


def _warp_tiled(tile: np.ndarray, texels_from_image: np.ndarray, wh: tuple[int, int]) -> np.ndarray:
    """Warp a texture that goes on for ever.

    As many tiles as are seen are laid out first: a warp that stays inside its source is five
    times as fast as one that wraps around. Near the horizon there are too many of them, but no
    detail can be seen either: half the resolution is enough.
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
        return _warp(source, _moved(first * side) @ texels_from_image, wh, cv2.BORDER_REPLICATE)
    first = np.floor(_apply(texels_from_image, corners.mean(axis=0)[None])[0] / side)
    texels_from_cells = _moved(first * side) @ texels_from_image @ _cells(2)
    far = _warp(tile, texels_from_cells, _in_cells(wh, 2), cv2.BORDER_WRAP)
    return _enlarged(far, 2, wh)


def _warp(
    source: np.ndarray, source_from_image: np.ndarray, wh: tuple[int, int], border: int
) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(source, source_from_image, wh, flags=flags, borderMode=border)


def _moved(origin: np.ndarray) -> np.ndarray:
    """Return the translation (3, 3) that takes a point (2,) to (0, 0)."""
    return np.array([[1, 0, -origin[0]], [0, 1, -origin[1]], [0, 0, 1]])


def _cells(size: int) -> np.ndarray:
    """Return the map (3, 3) of cells of some pixels' side to pixels, centre to centre."""
    middle = (size - 1) / 2
    return np.array([[size, 0, middle], [0, size, middle], [0, 0, 1.0]])


def _in_cells(wh: tuple[int, int], size: int) -> tuple[int, int]:
    """Return how many cells of some pixels' side cover a picture."""
    return -(-wh[0] // size), -(-wh[1] // size)


def _enlarged(cells: np.ndarray, size: int, wh: tuple[int, int]) -> np.ndarray:
    """Draw every cell of a picture as so many pixels; what goes beyond the size is cut off."""
    if size == 1:
        return cells
    height, width = cells.shape[:2]
    return cv2.resize(cells, (width * size, height * size))[: wh[1], : wh[0]]


def _apply(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    mapped = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ homography.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])
