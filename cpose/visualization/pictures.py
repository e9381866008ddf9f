"""Pictures as files, and several pictures in one."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from cpose.errors import unwritable


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a picture in the format of the file's ending; missing folders are created.

    Args:
        path: A name that ends in ``.png``, ``.jpg`` or ``.jpeg``.
        picture: (H, W, 3) uint8, BGR.

    Raises:
        OutputError: If the file cannot be written.
    """
    _, content = cv2.imencode(path.suffix, picture)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise unwritable(path, error, 'Choose another output folder') from error


def picture_grid(
    pictures: Sequence[np.ndarray], columns: int = 4, tile_side: int = 320
) -> np.ndarray:
    """Put pictures side by side, row by row, each shrunk or enlarged to fit its tile.

    Args:
        pictures: (H, W, 3) uint8 each, any sizes; at least one.
        columns: Tiles per row.
        tile_side: Longer side of the first picture's tile, pixels; all tiles have its shape.

    Returns:
        (rows * tile height, columns * tile width, 3) uint8, black where there is no picture.
    """
    height, width = pictures[0].shape[:2]
    scale = tile_side / max(height, width)
    tile_w, tile_h = max(1, round(width * scale)), max(1, round(height * scale))
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    grid = np.zeros((rows * tile_h, columns * tile_w, 3), dtype=np.uint8)
    for number, picture in enumerate(pictures):
        fit = min(tile_w / picture.shape[1], tile_h / picture.shape[0])
        size = (max(1, round(picture.shape[1] * fit)), max(1, round(picture.shape[0] * fit)))
        top, left = number // columns * tile_h, number % columns * tile_w
        tile = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        grid[top : top + size[1], left : left + size[0]] = tile
    return grid
