"""Polygons and textured quads with smooth borders, drawn into their bounding rectangle only."""

from math import ceil, floor, hypot

import cv2
import numpy as np

from cpose.datasets.synthetic.polygons import SHIFT, bound_polygon, fill_convex

LARGE_AREA = 200 * 200
"""Pixels from which on borders are smoothed with 2×2 instead of 4×4 samples, and mixed apart."""

Rectangle = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; the last two are outside."""


def bounding_rectangle(
    polygon: np.ndarray, image_wh: tuple[int, int], margin: int = 1
) -> Rectangle:
    """Return the part of the image that contains a polygon (N, 2); it may be empty."""
    if len(polygon) < 3:
        return 0, 0, 0, 0
    columns, rows = polygon.T.tolist()
    left, top = (max(floor(min(values)) - margin, 0) for values in (columns, rows))
    right, bottom = (ceil(max(values)) + 1 + margin for values in (columns, rows))
    return left, top, min(right, image_wh[0]), min(bottom, image_wh[1])


def intersect_rectangles(first: Rectangle, second: Rectangle) -> Rectangle:
    """Return what two rectangles share; it may be empty."""
    return (
        max(first[0], second[0]),
        max(first[1], second[1]),
        min(first[2], second[2]),
        min(first[3], second[3]),
    )


def is_empty(rectangle: Rectangle) -> bool:
    """Tell whether a rectangle has no pixels."""
    left, top, right, bottom = rectangle
    return right <= left or bottom <= top


def polygon_coverage(polygon: np.ndarray, rectangle: Rectangle) -> np.ndarray:
    """Return how much of each pixel a convex polygon covers.

    Args:
        polygon: (N, 2) pixels; integers are pixel centres.
        rectangle: Part of the image.

    Returns:
        (h, w) uint8, 0 none to 255 all.
    """
    left, top, right, bottom = rectangle
    width, height = right - left, bottom - top
    halvings = 1 if width * height > LARGE_AREA else 2
    scale = 2**halvings
    fine = np.zeros((height * scale, width * scale), dtype=np.uint8)
    fill_convex(fine, (polygon - (left, top)) * scale + (scale - 1) / 2, 255)
    # Halving twice is seven times as fast as one reduction to a quarter.
    for step in range(halvings - 1, -1, -1):
        wh = width * 2**step, height * 2**step
        fine = cv2.resize(fine, wh, interpolation=cv2.INTER_AREA)
    return fine


def blend(image: np.ndarray, layer: np.ndarray, coverage: np.ndarray) -> None:
    """Lay a layer (h, w, 3) uint8 over an image view of equal size, in place.

    Args:
        image: (h, w, 3) uint8.
        layer: (h, w, 3) uint8.
        coverage: (h, w) uint8, 255 where the layer hides the image.
    """
    if coverage.size < LARGE_AREA:
        image[:] = _mixed(image, layer, coverage)
        return
    # As booleans, borders are found ten times as fast as in a mask of bytes.
    border = np.divmod(np.flatnonzero((coverage - np.uint8(1)) < 254), coverage.shape[1])
    behind = image[border][None]
    cv2.copyTo(layer, coverage, image)
    if behind.size:
        image[border] = _mixed(behind, layer[border][None], coverage[border][None])[0]


def _mixed(image: np.ndarray, layer: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    weight = cv2.merge([coverage] * 3)
    front = cv2.multiply(layer, weight, scale=1 / 255)
    back = cv2.multiply(image, cv2.bitwise_not(weight), scale=1 / 255)
    return cv2.add(front, back)


def fill_polygon(image: np.ndarray, polygon: np.ndarray, colour: np.ndarray) -> None:
    """Fill a convex polygon (N, 2) with one BGR colour (3,), in place."""
    bounded = bound_polygon(polygon, float(max(image.shape)))
    if len(bounded) >= 3:
        points = np.round(bounded * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(
            image,
            points,
            [min(max(level, 0.0), 255.0) for level in colour.tolist()],
            cv2.LINE_AA,
            SHIFT,
        )


def warp_into(texture: np.ndarray, quad: np.ndarray, rectangle: Rectangle) -> np.ndarray:
    """Warp a texture so that its outer corners meet a quad; beyond it the border is repeated.

    Args:
        texture: (h, w, 3) uint8.
        quad: (4, 2) pixels of its top left, top right, bottom right and bottom left corner.
        rectangle: Part of the image to fill.

    Returns:
        (bottom − top, right − left, 3) uint8.
    """
    left, top, right, bottom = rectangle
    height, width = texture.shape[:2]
    source = np.array(
        [(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32
    ) - np.float32(0.5)
    image_from_texture = cv2.getPerspectiveTransform(
        source, np.ascontiguousarray(quad - (left, top), dtype=np.float32)
    )
    # OpenCV warps four channels more than twice as fast as three.
    warped = cv2.warpPerspective(
        cv2.cvtColor(texture, cv2.COLOR_BGR2BGRA),
        image_from_texture,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR)


def draw_quad(image: np.ndarray, texture: np.ndarray, quad: np.ndarray) -> None:
    """Draw a textured convex quad (4, 2) on an image (H, W, 3) uint8, in place."""
    rectangle = bounding_rectangle(quad, (image.shape[1], image.shape[0]))
    if is_empty(rectangle):
        return
    left, top, right, bottom = rectangle
    layer = warp_into(shrink_to_quad(texture, quad), quad, rectangle)
    blend(image[top:bottom, left:right], layer, polygon_coverage(quad, rectangle))


def side_lengths(quad: np.ndarray) -> list[float]:
    """Return the lengths of the top, right, bottom and left side of a quad (4, 2)."""
    steps = (quad[[1, 2, 3, 0]] - quad).tolist()
    return [hypot(*step) for step in steps]


def shrink_to_quad(texture: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """Reduce a texture to the size at which it is seen, so that the warp does not alias."""
    sides = side_lengths(quad)
    height, width = texture.shape[:2]
    across = max(ceil(max(sides[0], sides[2])), 2)
    down = max(ceil(max(sides[1], sides[3])), 2)
    if width > across * 1.2 or height > down * 1.2:
        wh = min(width, across), min(height, down)
        return cv2.resize(texture, wh, interpolation=cv2.INTER_AREA)
    return texture


def soften(image: np.ndarray, radius: int) -> np.ndarray:
    """Return a blurred image (H, W) or (H, W, C) uint8, the same with any number of threads.

    OpenCV's stack blur errs where one thread's share of the rows ends, so it gets one thread.

    Args:
        image: What to blur.
        radius: Pixels from which a pixel takes light, 1 or more.
    """
    side = 2 * radius + 1
    threads = cv2.getNumThreads()
    if threads <= 1:
        return np.asarray(cv2.stackBlur(image, (side, side)))
    cv2.setNumThreads(1)
    try:
        return np.asarray(cv2.stackBlur(image, (side, side)))
    finally:
        cv2.setNumThreads(threads)


def filled(wh: tuple[int, int], colour: np.ndarray) -> np.ndarray:
    """Return a canvas (h, w, 3) uint8 of one BGR colour (3,)."""
    canvas = np.empty((wh[1], wh[0], 3), dtype=np.uint8)
    canvas[:] = np.clip(colour, 0, 255)
    return canvas


def fill_rectangle(
    canvas: np.ndarray, place: tuple[float, float, float, float], colour: np.ndarray
) -> None:
    """Fill a rectangle (left, top, right, bottom), pixels, of a canvas (h, w, 3), in place."""
    left, top, right, bottom = (max(0, round(side)) for side in place)
    canvas[top:bottom, left:right] = np.clip(colour, 0, 255)
