"""Convex polygons: cutting and fixed-point coordinates for OpenCV."""

import cv2
import numpy as np

SHIFT = 4
"""Fractional bits of the coordinates that OpenCV fills."""


def cut_convex(polygon: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Keep the part of a convex polygon (N, D) on one side of a line or plane.

    Source: Sutherland and Hodgman, "Reentrant Polygon Clipping".

    Args:
        polygon: (N, D) points, in turn.
        heights: (N,) signed distances from the line, of any scale; positive ones are kept.

    Returns:
        (M, D), M may be 0.
    """
    levels = heights.tolist()
    if min(levels, default=0.0) >= 0:
        return polygon
    kept = []
    for k, level in enumerate(levels, start=-len(levels)):
        after = levels[k + 1]
        if level >= 0:
            kept.append(polygon[k])
        if (level >= 0) != (after >= 0):
            share = level / (level - after)
            kept.append(polygon[k] + (polygon[k + 1] - polygon[k]) * share)
    return np.array(kept).reshape(-1, polygon.shape[1])


def cut_to_rectangle(
    polygon: np.ndarray, low: tuple[float, float], high: tuple[float, float]
) -> np.ndarray:
    """Keep the part of a convex polygon (N, 2) between two corners; (M, 2), M may be 0."""
    for axis in (0, 1):
        polygon = cut_convex(polygon, polygon[:, axis] - low[axis])
        polygon = cut_convex(polygon, high[axis] - polygon[:, axis])
    return polygon


def bound_polygon(polygon: np.ndarray, side: float) -> np.ndarray:
    """Cut off what is farther than ``side`` from an image of that side, if anything is."""
    if len(polygon) >= 3:
        numbers = polygon.ravel().tolist()
        if min(numbers) < -side or max(numbers) > 2 * side:
            return cut_to_rectangle(polygon, (-side, -side), (2 * side, 2 * side))
    return polygon


def fill_convex(canvas: np.ndarray, polygon: np.ndarray, value: int) -> None:
    """Fill a convex polygon (N, 2), pixels, in a (H, W) uint8 canvas, in place."""
    polygon = bound_polygon(polygon, float(max(canvas.shape)))
    if len(polygon) >= 3:
        points = np.round(polygon * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(canvas, points, value, cv2.LINE_8, SHIFT)
