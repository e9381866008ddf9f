"""Draw on pictures, join several in one, and write them."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from cpose.files.atomic import write_atomic
from cpose.files.outputs import MARK

Color = tuple[int, int, int]
"""Blue, green, red."""

FONT = cv2.FONT_HERSHEY_DUPLEX
SHIFT = 4
"""Fractional bits of a position in OpenCV's drawing functions."""
FARTHEST = 30000.0
"""Pixels; OpenCV's fixed-point coordinates end soon after."""
SHADOW: Color = (24, 20, 18)
INK: Color = (245, 245, 245)
PNG = b'\x89PNG'
PNG_HEADER = 33
"""Bytes of the signature and the first chunk."""
ADVICE = ('Choose another output folder', 'Make room')


def draw_line(
    image: np.ndarray, start: np.ndarray, end: np.ndarray, color: Color, width: int
) -> None:
    """Draw a smooth line of whole-pixel width."""
    if _is_drawable(start, end):
        cv2.line(image, _fixed(start), _fixed(end), color, width, cv2.LINE_AA, SHIFT)


def draw_arrow(
    image: np.ndarray, start: np.ndarray, end: np.ndarray, color: Color, width: int
) -> None:
    """Draw a filled arrow with a dark rim; one that points at the viewer shrinks to its start."""
    if not _is_drawable(start, end):
        return
    length = float(np.hypot(*(end - start)))
    if length < 1:
        return
    along = (end - start) / length
    across = np.array([-along[1], along[0]])
    head = min(5.0 * width, 0.6 * length)
    neck = end - head * along
    half_shaft, half_head = 0.5 * width * across, 0.45 * head * across
    outline = np.stack(
        [
            *(start + half_shaft, neck + half_shaft, neck + half_head),
            *(end, neck - half_head, neck - half_shaft, start - half_shaft),
        ]
    )
    vertices = _fixed_array(outline)
    cv2.polylines(image, [vertices], True, SHADOW, 3, cv2.LINE_AA, SHIFT)
    cv2.fillPoly(image, [vertices], color, cv2.LINE_AA, SHIFT)


def draw_dot(image: np.ndarray, center: np.ndarray, color: Color, width: int) -> None:
    """Draw a round dot with a dark rim."""
    draw_line(image, center, center, SHADOW, width + 2)
    draw_line(image, center, center, color, width)


def fill_polygon(image: np.ndarray, points: np.ndarray, color: Color, opacity: float) -> None:
    """Tint the convex polygon around the points (P, 2)."""
    if not _is_drawable(points):
        return
    hull = cv2.convexHull(np.asarray(points, dtype=np.float32)).reshape(-1, 2)
    height, width = image.shape[:2]
    low = np.clip(np.floor(hull.min(axis=0)), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(hull.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if (high <= low).any():
        return
    region = image[low[1] : high[1], low[0] : high[0]]
    tinted = region.copy()
    cv2.fillConvexPoly(tinted, _fixed_array(hull - low), color, cv2.LINE_AA, SHIFT)
    cv2.addWeighted(tinted, opacity, region, 1 - opacity, 0, dst=region)


def draw_outlined_text(
    image: np.ndarray, text: str, center: np.ndarray, color: Color, scale: float
) -> None:
    """Write small text around ``center``, readable on any ground."""
    if not _is_drawable(center):
        return
    thick = max(1, round(scale * 1.6))
    (width, height), _ = cv2.getTextSize(text, FONT, scale, thick)
    origin = (round(float(center[0]) - width / 2), round(float(center[1]) + height / 2))
    cv2.putText(image, text, origin, FONT, scale, SHADOW, thick + 2, cv2.LINE_AA)
    cv2.putText(image, text, origin, FONT, scale, color, thick, cv2.LINE_AA)


def draw_label(
    image: np.ndarray, lines: list[str], position: np.ndarray, accent: Color, scale: float
) -> None:
    """Write lines of text on a dark plate with a coloured bar, moved to lie inside the image.

    Args:
        image: (H, W, 3) uint8, changed in place.
        lines: At least one.
        position: (2,), left bottom of the plate.
        accent: Colour of the bar.
        scale: Font scale of OpenCV.
    """
    thick = max(1, round(scale * 1.4))
    sizes = [cv2.getTextSize(line, FONT, scale, thick) for line in lines]
    pad = max(3, round(9 * scale))
    pitch = max(size[0][1] for size in sizes) + pad
    plate_wh = np.array([max(size[0][0] for size in sizes) + 3 * pad, len(lines) * pitch + pad])
    room = np.maximum(np.array(image.shape[1::-1]) - plate_wh, 0)
    wished = np.nan_to_num(position - np.array([0, plate_wh[1]]), posinf=FARTHEST)
    left, top = np.clip(np.round(wished), 0, room).astype(int)
    plate = image[top : top + plate_wh[1], left : left + plate_wh[0]]
    plate[:] = cv2.addWeighted(plate, 0.3, np.full_like(plate, SHADOW), 0.7, 0)
    plate[:, : max(2, pad // 2)] = accent
    for number, line in enumerate(lines, start=1):
        origin = (int(left + 2 * pad), int(top + number * pitch))
        cv2.putText(image, line, origin, FONT, scale, INK, thick, cv2.LINE_AA)


def draw_legend(image: np.ndarray, entries: Sequence[tuple[str, Color]], scale: float) -> None:
    """Write lines of text with a colour each, one below the other, into the lower left corner.

    Args:
        image: (H, W, 3) uint8, changed in place.
        entries: Texts and colours.
        scale: Font scale of OpenCV.
    """
    bottom = float(image.shape[0])
    for text, color in reversed(entries):
        draw_label(image, [text], np.array([0.0, bottom]), color, scale)
        (_, height), _ = cv2.getTextSize(text, FONT, scale, max(1, round(scale * 1.4)))
        bottom -= height + 3 * max(3, round(9 * scale))


def _is_drawable(*points: np.ndarray) -> bool:
    return all(np.isfinite(point).all() and np.abs(point).max() < FARTHEST for point in points)


def _fixed(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0]) * 2**SHIFT), round(float(point[1]) * 2**SHIFT)


def _fixed_array(points: np.ndarray) -> np.ndarray:
    return np.round(points * 2**SHIFT).astype(np.int32)


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a picture atomically in the format of the file's ending; missing folders are created.

    Args:
        path: A name that ends in ``.png``, ``.jpg`` or ``.jpeg``.
        picture: (H, W, 3) uint8, BGR.

    Raises:
        OutputError: If the file cannot be written.
    """
    _, content = cv2.imencode(path.suffix, picture)
    write_atomic(path, with_mark(content.tobytes()), ADVICE, 'out', is_durable=False)


def with_mark(content: bytes) -> bytes:
    """Return a PNG or JPEG file of OpenCV with a comment that says where it is from.

    Source: the PNG specification, third edition, chunk ``tEXt``; ITU-T T.81, marker ``COM``.
    """
    if content.startswith(PNG):
        body = b'tEXtSoftware\0' + MARK
        chunk = (len(body) - 4).to_bytes(4, 'big') + body + zlib.crc32(body).to_bytes(4, 'big')
        return content[:PNG_HEADER] + chunk + content[PNG_HEADER:]
    comment = b'\xff\xfe' + (len(MARK) + 2).to_bytes(2, 'big') + MARK
    end = 4 + int.from_bytes(content[4:6], 'big')  # of the first segment, which must stay first
    return content[:end] + comment + content[end:]


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
