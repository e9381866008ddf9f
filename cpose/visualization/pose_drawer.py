"""Pictures of poses: cuboids, axes, corner numbers, dimensions.

Everything is drawn from image points and the OpenCV camera frame, so that a picture does not
depend on the frame in which results are written.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cpose.geometry.projection import project_points
from cpose.structures.cuboid import CORNER_SIGNS, EDGES
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.visualization.pictures import (
    INK,
    SHADOW,
    Color,
    draw_arrow,
    draw_dot,
    draw_label,
    draw_legend,
    draw_line,
    draw_outlined_text,
    fill_polygon,
)

PALETTE: tuple[Color, ...] = (
    (40, 190, 255),
    (230, 190, 60),
    (190, 110, 240),
    (120, 215, 130),
    (120, 150, 255),
    (220, 220, 110),
    (255, 140, 170),
    (90, 220, 220),
)
"""Colours of the categories or tracks, repeated when there are more."""
AXIS_COLORS: tuple[Color, ...] = ((40, 40, 235), (40, 200, 40), (245, 90, 40))
"""x red (right hand), y green (up), z blue (front)."""
FRONT_FACE = np.flatnonzero(CORNER_SIGNS[:, 2] > 0)
BASE_SIDE = 800
"""Longer image side, pixels, at which lines and text have their basic size."""
SMALLEST_TEXT = 0.75
"""Text does not shrink below this part of its basic size."""


@dataclass(frozen=True)
class PoseDrawer:
    """Draw results; sizes of lines and text follow the size of the image.

    Attributes:
        categories: Names by label; without one the number is written.
        axis_length: Length of the axes, object heights.
        show_axes: Whether to draw the axes of objects that have a pose.
        show_points: Whether to mark and number the centre, 0, and the corners, 1 to 8.
        show_labels: Whether to write category, score and dimensions, the depth too in metres, and
            with several categories how many objects there are of each.
    """

    categories: Sequence[str] = ()
    axis_length: float = 0.5
    show_axes: bool = True
    show_points: bool = True
    show_labels: bool = True

    def draw(self, image: np.ndarray, result: PoseResult) -> np.ndarray:
        """Return a copy of an image (H, W, 3), BGR uint8, with all its objects.

        Tracked objects have a colour of their own, their number, and the way of their centre.
        """
        canvas = np.ascontiguousarray(image).copy()
        size = float(np.clip(max(canvas.shape[:2]) / BASE_SIDE, 0.45, 8))
        far_to_near = sorted(result.poses, key=_depth, reverse=True)
        for pose in far_to_near:
            self._draw_cuboid(canvas, pose, size)
        for pose in far_to_near:
            self._draw_details(canvas, pose, result, size)
        if self.show_labels and len(self.categories) > 1:
            draw_legend(canvas, self._legend(result), 0.45 * max(size, SMALLEST_TEXT))
        return canvas

    def _legend(self, result: PoseResult) -> list[tuple[str, Color]]:
        """Return the categories that were found, with their colours; tracks have others."""
        counts = Counter(pose.label for pose in result.poses if pose.track is None)
        return [
            (f'{self._name(label)} {counts[label]}', PALETTE[label % len(PALETTE)])
            for label in sorted(counts)
        ]

    def _draw_cuboid(self, canvas: np.ndarray, pose: ObjectPose, size: float) -> None:
        corners, color = _corners(pose), self._color(pose)
        width = max(1, round(2 * size))
        hidden = hidden_edges(pose.keypoints_cv)
        fill_polygon(canvas, corners[FRONT_FACE], color, 0.22)
        for a, b in EDGES:
            if (a, b) in hidden:
                draw_line(canvas, corners[a], corners[b], _dim(color), max(1, width // 2))
        visible = [edge for edge in EDGES if edge not in hidden]
        for shade, thickness in ((SHADOW, width + 2), (color, width)):
            for a, b in visible:
                draw_line(canvas, corners[a], corners[b], shade, thickness)

    def _draw_details(
        self, canvas: np.ndarray, pose: ObjectPose, result: PoseResult, size: float
    ) -> None:
        corners = _corners(pose)
        if pose.track is not None:
            self._draw_trail(canvas, pose.track.trail_image, self._color(pose), size)
        if self.show_axes and pose.has_pose and result.intrinsics is not None:
            self._draw_axes(canvas, pose, result, size)
        if self.show_points:
            middle = corners.mean(axis=0)
            points = np.concatenate([middle[None], corners])
            self._draw_points(canvas, np.where(np.isfinite(points), points, np.nan), size)
        if self.show_labels:
            corner = np.array([np.nanmin(corners[:, 0]), np.nanmin(corners[:, 1]) - 20 * size])
            text = 0.45 * max(size, SMALLEST_TEXT)
            draw_label(canvas, self._label(pose), corner, self._color(pose), text)

    def _draw_trail(self, canvas: np.ndarray, trail: np.ndarray, color: Color, size: float) -> None:
        """Draw the way of a centre (K, 2), older parts thinner."""
        for number, (a, b) in enumerate(itertools.pairwise(trail)):
            width = 1 + 2 * size * (number + 1) / len(trail)
            draw_line(canvas, a, b, color, round(width))

    def _draw_points(self, canvas: np.ndarray, points: np.ndarray, size: float) -> None:
        """Mark points (9, 2) and number them, corners on the side away from the centre."""
        outward = points - points[0]
        outward[0] = [1.0, -1.0]
        text = max(size, SMALLEST_TEXT)
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        for number, (point, direction) in enumerate(zip(points, outward, strict=True)):
            draw_dot(canvas, point, INK, max(2, round(4 * size)))
            place = point + 11 * text * direction
            draw_outlined_text(canvas, str(number), place, INK, 0.4 * text)

    def _draw_axes(
        self, canvas: np.ndarray, pose: ObjectPose, result: PoseResult, size: float
    ) -> None:
        """Draw the axes that point towards the viewer last."""
        assert pose.keypoints_cv is not None
        assert result.intrinsics is not None
        origin = pose.keypoints_cv[0]
        length = self.axis_length * _height(pose.keypoints_cv)
        tips = origin + length * object_axes(pose.keypoints_cv)
        points = np.concatenate([origin[None], tips])
        if points[:, 2].min() <= 0:
            return
        start, *ends = project_points(points, result.intrinsics, result.distortion)
        width = max(2, round(3 * size))
        for axis in np.argsort(-tips[:, 2]):
            draw_arrow(canvas, start, ends[axis], AXIS_COLORS[axis], width)

    def _label(self, pose: ObjectPose) -> list[str]:
        name = self._name(pose.label)
        if pose.track is not None:
            name = f'{name} #{pose.track.number}'
        dims = ' / '.join(f'{value:.3f}' for value in pose.dims)
        if not pose.has_metres or pose.location_cv is None:
            return [f'{name} {pose.score:.2f}', dims]
        return [f'{name} {pose.score:.2f}', f'{dims} m', f'at {pose.location_cv[2]:.2f} m']

    def _name(self, label: int) -> str:
        return self.categories[label] if label < len(self.categories) else f'object {label}'

    def _color(self, pose: ObjectPose) -> Color:
        number = pose.label if pose.track is None else pose.track.number
        return PALETTE[number % len(PALETTE)]


def object_axes(keypoints_cv: np.ndarray) -> np.ndarray:
    """Return the unit directions x, y, z of a cuboid (9, 3) as rows (3, 3), its camera frame."""
    sides = CORNER_SIGNS.T @ keypoints_cv[1:]
    return sides / np.linalg.norm(sides, axis=1, keepdims=True)


def hidden_edges(keypoints_cv: np.ndarray | None) -> set[tuple[int, int]]:
    """Return the edges between two faces that both look away from the camera.

    Args:
        keypoints_cv: (9, 3), OpenCV camera frame; ``None``, for an unknown pose, hides nothing.

    Returns:
        Pairs as in `EDGES`.
    """
    if keypoints_cv is None:
        return set()
    corners = keypoints_cv[1:]
    center = corners.mean(axis=0)
    looks_away = {}
    for axis in range(3):
        for side in (-1.0, 1.0):
            middle = corners[CORNER_SIGNS[:, axis] == side].mean(axis=0)
            looks_away[axis, side] = (middle - center) @ middle >= 0
    return {
        (a, b)
        for a, b in EDGES
        if all(
            looks_away[axis, CORNER_SIGNS[a, axis]]
            for axis in range(3)
            if CORNER_SIGNS[a, axis] == CORNER_SIGNS[b, axis]
        )
    }


def _corners(pose: ObjectPose) -> np.ndarray:
    return pose.corners_image if pose.keypoints_image is None else pose.keypoints_image[1:]


def _height(keypoints_cv: np.ndarray) -> float:
    return float(np.linalg.norm(CORNER_SIGNS[:, 1] @ keypoints_cv[1:]) / 4)


def _depth(pose: ObjectPose) -> float:
    return np.inf if pose.keypoints_cv is None else float(pose.keypoints_cv[0, 2])


def _dim(color: Color) -> Color:
    blue, green, red = (round(0.55 * value) for value in color)
    return blue, green, red
