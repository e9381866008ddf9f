"""Which part of each box can be seen: clipping by the image and covering by nearer things."""

from collections.abc import Sequence
from math import hypot
from typing import Protocol

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.polygons import SHIFT, fill_convex

MEASURED_SIDE = 320
"""Longer side, in pixels, of the picture in which covered areas are counted."""


class Standing(Protocol):
    """What is above a convex footprint on the plane."""

    @property
    def footprint(self) -> np.ndarray:
        """(N, 2) world X and Z, convex, in turn."""

    @property
    def heights(self) -> tuple[float, float]:
        """Metres from the plane to its lowest and its highest point."""


class StandingSolid(Standing, Protocol):
    """Something by points on its outline."""

    @property
    def outline_world(self) -> np.ndarray:
        """(N, 3) points whose convex hull contains the solid."""


def box_hull(camera: VirtualCamera, keypoints_world: np.ndarray) -> np.ndarray:
    """Return the silhouette (M, 2) of a box, pixels, from its keypoints (9, 3)."""
    return outline_hull(camera, keypoints_world[1:])


def outline_hull(camera: VirtualCamera, points_world: np.ndarray) -> np.ndarray:
    """Return the convex hull (M, 2), pixels, of projected points (N, 3)."""
    return np.asarray(cv2.convexHull(camera.project(points_world).astype(np.float32))[:, 0])


def inside_fraction(hull: np.ndarray, image_wh: tuple[int, int]) -> float:
    """Return the share of a convex polygon's area that lies in the image, 0 to 1."""
    right, bottom = image_wh[0] - 0.5, image_wh[1] - 0.5
    frame = np.array(
        [(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)], dtype=np.float32
    )
    inside = cv2.intersectConvexConvex(hull.astype(np.float32), frame)[0]
    whole = cv2.contourArea(hull.astype(np.float32))
    return min(max(inside / max(whole, 1e-6), 0.0), 1.0)


class Holding(Protocol):
    """A hand on a box."""

    @property
    def box(self) -> int:
        """Number of the box."""

    @property
    def behind(self) -> Sequence['Outlined']:
        """What the box covers."""

    @property
    def front(self) -> Sequence['Outlined']:
        """What covers the box."""


class Outlined(Protocol):
    """A shape in the picture."""

    @property
    def outline(self) -> np.ndarray:
        """(N, 2) pixels, in turn."""


class Outline:
    """What the order of two things depends on.

    Args:
        footprint: (N, 2) world X and Z, convex, in turn.
        heights: Metres from the plane to the lowest and to the highest point.

    Attributes:
        lines: Along the edges: (2, N) normals that point outwards and (N,) offsets.
        distance: Metres from the camera's foot point to the middle.
    """

    def __init__(self, footprint: np.ndarray, heights: tuple[float, float]) -> None:
        middle = footprint.mean(axis=0)
        edges = np.concatenate([footprint[1:], footprint[:1]]) - footprint
        normals = np.array([edges[:, 1], -edges[:, 0]])
        normals *= -np.sign(((middle - footprint).T * normals).sum(axis=0))
        self.footprint = footprint
        self.heights = heights
        self.lines = normals, (footprint.T * normals).sum(axis=0)
        self.distance = hypot(*middle.tolist())


def is_nearer(first: Outline, second: Outline, camera_height: float) -> bool:
    """Tell whether the first of two disjoint things may cover the second.

    A line along an edge of either footprint separates the two, or a level plane does; what lies
    on the camera's side of it cannot be covered by the other. The camera is above the world's
    origin.
    """
    for near, far, is_first in ((first, second, True), (second, first, False)):
        normals, offsets = near.lines
        is_separating = (far.footprint @ normals >= offsets).all(axis=0)
        if is_separating.any():
            is_camera_on_far_side = offsets[is_separating.argmax()] < 0
            return bool(is_first != is_camera_on_far_side)
    for upper, lower, is_first in ((first, second, True), (second, first, False)):
        if upper.heights[0] >= lower.heights[1]:
            is_seen_from_above = camera_height > lower.heights[1]
            return is_first == is_seen_from_above
    return first.distance < second.distance


def sort_far_to_near(items: Sequence[Standing], camera_height: float) -> list[int]:
    """Return the numbers of the items in an order in which they can be painted."""
    order: list[int] = []
    outlines = [Outline(item.footprint, item.heights) for item in items]
    waiting = sorted(range(len(items)), key=lambda k: -outlines[k].distance)
    while waiting:
        farthest = next(
            (k for k in waiting if _is_farthest(outlines, k, waiting, camera_height)), waiting[0]
        )
        waiting.remove(farthest)
        order.append(farthest)
    return order


def _is_farthest(
    outlines: Sequence[Outline], number: int, waiting: Sequence[int], camera_height: float
) -> bool:
    return all(
        is_nearer(outlines[k], outlines[number], camera_height) for k in waiting if k != number
    )


def measure_visibility(
    camera: VirtualCamera,
    boxes: Sequence[StandingSolid],
    solids: Sequence[StandingSolid],
    order: Sequence[int],
    hands: Sequence[Holding] = (),
) -> np.ndarray:
    """Measure how much of each box's projected area can be seen.

    Args:
        camera: The camera.
        boxes: N boxes.
        solids: What may cover them besides other boxes.
        order: Numbers of boxes, then solids, the farthest first.
        hands: Hands on the boxes.

    Returns:
        (N,) 0 to 1; what lies outside the image counts as not seen.
    """
    scale = min(1.0, MEASURED_SIDE / max(camera.image_wh))
    wh = [max(1, round(side * scale)) for side in camera.image_wh]
    hulls = [outline_hull(camera, box.outline_world) for box in boxes]
    outlines = [outline_hull(camera, solid.outline_world) for solid in solids]
    owners = np.zeros(wh[::-1], dtype=np.uint8)
    drawn = np.zeros(len(boxes))
    mask = np.zeros_like(owners)
    for number in order:
        if number < len(boxes):
            mask[:] = 0
            fill_convex(mask, hulls[number] * scale, 255)
            drawn[number] = cv2.countNonZero(mask)
            held = [hand for hand in hands if hand.box == number]
            _cover(owners, [limb for hand in held for limb in hand.behind], scale)
            fill_convex(owners, hulls[number] * scale, number + 1)
            _cover(owners, [limb for hand in held for limb in hand.front], scale)
        else:
            fill_convex(owners, outlines[number - len(boxes)] * scale, 255)
    counts = [cv2.countNonZero(cv2.inRange(owners, k, k)) for k in range(1, len(boxes) + 1)]
    inside = np.array([inside_fraction(hull, camera.image_wh) for hull in hulls])
    return np.round(inside * np.array(counts) / np.maximum(drawn, 1), 4)


def _cover(owners: np.ndarray, shapes: Sequence[Outlined], scale: float) -> None:
    for shape in shapes:
        points = np.round(shape.outline * (scale * (1 << SHIFT))).astype(np.int32)
        cv2.fillPoly(owners, [points], 255, cv2.LINE_8, SHIFT)
