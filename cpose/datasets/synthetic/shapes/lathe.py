"""Surfaces of revolution: which point of the surface every pixel shows, by ray casting.

Frame ``turned``: that of the object with the origin at the middle of its bottom, y along the axis.
Rings are drawn as polygons in an order in which nearer ones cover farther ones. What remains in a
pixel tells the one cone that its ray can meet, so a single quadratic gives the exact point.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.painting.raster import Rectangle, bounding_rectangle, is_empty
from cpose.datasets.synthetic.polygons import SHIFT, bound_polygon
from cpose.datasets.synthetic.shapes.base import PlacedCuboid

SIDES = 64
_ANGLES = np.arange(SIDES) * (2 * np.pi / SIDES)
CIRCLE = np.array([np.cos(_ANGLES), np.zeros(SIDES), np.sin(_ANGLES)]).T / np.cos(np.pi / SIDES)
"""(64, 3) corners of a polygon around the unit circle."""

SMALL_AREA = 300 * 300
"""Pixels below which four rays a pixel are cast instead of one."""
FLAT = 1e-9


@dataclass(frozen=True)
class Profile:
    """Half of the section of a surface of revolution.

    Attributes:
        heights: (R,) along the axis, ascending, metres.
        radii: (R,) metres.
    """

    heights: np.ndarray
    radii: np.ndarray

    def scaled(self, dims: np.ndarray) -> 'Profile':
        """Return a section of height and radius 1 at the size of a cuboid of extents (3,)."""
        return Profile(self.heights * dims[1], self.radii * (dims[0] / 2))

    @property
    def rings(self) -> np.ndarray:
        """(R, S, 3) points of polygons around every ring, frame ``turned``."""
        lifted = self.heights[:, None, None] * np.array([0.0, 1.0, 0.0])
        return np.asarray(CIRCLE * self.radii[:, None, None] + lifted)


@dataclass(frozen=True)
class Hits:
    """Points of a surface that pixels show. Letters: N pixels.

    Attributes:
        pixels: (N,) numbers of the pixels, row by row.
        points: (3, N) metres, frame ``turned``.
        slopes: (N,) change of the radius with the height.
    """

    pixels: np.ndarray
    points: np.ndarray
    slopes: np.ndarray

    def normals(self, ripple: np.ndarray | float = 0.0) -> np.ndarray:
        """Return outward unit normals (3, N), with ripples added to the slopes."""
        x, _, z = self.points
        slopes = self.slopes + ripple
        scale = 1 / np.sqrt(1 + slopes * slopes)
        around = scale / np.maximum(np.sqrt(x * x + z * z), FLAT)
        return np.asarray(np.stack([x * around, -slopes * scale, z * around]))


class Easel:
    """The part of a picture that an object covers, with the rays through its pixels.

    Args:
        image: (H, W, 3) uint8, the picture so far.
        camera: The camera.
        box: The object's cuboid.
        is_mirrored: Show the object as the plane mirrors it.

    Attributes:
        layer: (h, w, 3) uint8, that part of the picture, at up to twice the resolution.
        eye: (3,) the camera, frame ``turned``.
    """

    def __init__(
        self, image: np.ndarray, camera: VirtualCamera, box: PlacedCuboid, is_mirrored: bool
    ) -> None:
        flip = np.array([1.0, -1.0 if is_mirrored else 1.0, 1.0])
        self.image, self.camera = image, camera
        self.world_from_turned = flip[:, None] * box.world_from_object
        centre = box.keypoints_world[0] * flip
        self.origin = centre - self.world_from_turned[:, 1] * (box.dims[1] / 2)
        self.eye = self.world_from_turned.T @ (camera.position - self.origin)
        outline = camera.project(box.outline_world * flip)
        self.rectangle: Rectangle = bounding_rectangle(outline, camera.image_wh, margin=2)
        self.is_empty = is_empty(self.rectangle)
        left, top, right, bottom = self.rectangle
        area = (right - left) * (bottom - top)
        self.scale = 2 if area < SMALL_AREA else 1
        self.layer = np.ascontiguousarray(image[top:bottom, left:right])
        if self.scale > 1 and not self.is_empty:
            self.layer = cv2.resize(self.layer, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)

    def finish(self) -> None:
        """Put the layer into the picture."""
        left, top, right, bottom = self.rectangle
        wh = right - left, bottom - top
        part = self.layer
        if self.scale > 1:
            part = cv2.resize(part, wh, interpolation=cv2.INTER_AREA)
        self.image[top:bottom, left:right] = part

    def put(self, pixels: np.ndarray, colours: np.ndarray) -> None:
        """Give pixels (N,) of the layer colours (N, 3), grey levels."""
        flat = self.layer.reshape(-1, 3)
        flat[pixels] = np.clip(colours, 0, 255).astype(np.uint8)
        self.layer = flat.reshape(self.layer.shape)

    def to_layer(self, points: np.ndarray) -> np.ndarray:
        """Project points (..., 3), frame ``turned``, to pixels (..., 2) of the layer."""
        pixels = self.camera.project(points @ self.world_from_turned.T + self.origin)
        return np.asarray((pixels - self.rectangle[:2] + 0.5) * self.scale - 0.5)

    def depths(self, points: np.ndarray) -> np.ndarray:
        """Return the depth before the camera of points (..., 3), frame ``turned``."""
        return self.camera.to_cv(points @ self.world_from_turned.T + self.origin)[..., 2]

    @cached_property
    def rays(self) -> np.ndarray:
        """(3, h·w) float32 directions through the pixels of the layer, frame ``turned``."""
        height, width = self.layer.shape[:2]
        cv_from_image = np.linalg.inv(self.camera.intrinsics)
        turned_from_image = self.turned_from_cv @ cv_from_image
        columns = (np.arange(width) + 0.5) / self.scale - 0.5 + self.rectangle[0]
        rows = (np.arange(height) + 0.5) / self.scale - 0.5 + self.rectangle[1]
        across = turned_from_image[:, 0, None] * columns + turned_from_image[:, 2, None]
        down = turned_from_image[:, 1, None] * rows
        grid = across[:, None, :].astype(np.float32) + down[:, :, None].astype(np.float32)
        return np.asarray(grid.reshape(3, -1))

    @cached_property
    def turned_from_cv(self) -> np.ndarray:
        """(3, 3) rotation, with a reflection if mirrored."""
        return np.asarray(self.world_from_turned.T @ self.camera.cv_from_world.T)

    def blank(self) -> np.ndarray:
        """Return an empty mask (h, w) uint8 of the layer."""
        return np.zeros(self.layer.shape[:2], dtype=np.uint8)

    def fill(self, mask: np.ndarray, polygon: np.ndarray, value: int) -> None:
        """Fill the convex hull of pixels (N, 2) of the layer in a mask (h, w) uint8, in place."""
        polygon = bound_polygon(polygon, 4.0 * max(mask.shape))
        if len(polygon) >= 3:
            points = np.round(polygon * (1 << SHIFT)).astype(np.int32)
            cv2.fillConvexPoly(mask, cv2.convexHull(points), value, cv2.LINE_8, SHIFT)

    def swapped(self) -> np.ndarray:
        """Return the layer as a full glass shows what is behind: sides swapped, blurred."""
        return cv2.blur(cv2.flip(self.layer, 1), (2 * self.scale + 1, 2 * self.scale + 1))

    def level_disc(self, profile: Profile, share: float) -> np.ndarray:
        """Return the mask (h, w) uint8 of a level disc inside a surface."""
        height = share * float(profile.heights[-1])
        radius = float(np.interp(height, profile.heights, profile.radii))
        mask = self.blank()
        self.fill(mask, self.to_layer(CIRCLE * radius + np.array([0.0, height, 0.0])), 255)
        return mask

    def trace(self, profile: Profile) -> Hits:
        """Return the visible points of the outside of a surface."""
        mask = self.blank()
        rings = self.to_layer(profile.rings)
        low, high = profile.heights[:-1], profile.heights[1:]
        is_above = low >= self.eye[1]
        is_below = high <= self.eye[1]
        upper, lower = np.flatnonzero(is_above)[::-1], np.flatnonzero(is_below)
        level = np.flatnonzero(~is_above & ~is_below)
        for band in np.concatenate([lower, upper, level]).tolist():
            self.fill(mask, np.concatenate([rings[band], rings[band + 1]]), band + 1)
        return self._meet(mask, profile, is_inside=False)

    def trace_inside(self, profile: Profile) -> tuple[Hits, np.ndarray]:
        """Return the visible points of the inside of a vessel, and the pixels (N,) of its bottom.

        Both are empty if the camera does not see into it from above.
        """
        mask, hole = self.blank(), self.blank()
        if self.eye[1] > profile.heights[-1]:
            rings = self.to_layer(profile.rings)
            self.fill(hole, rings[-1], 255)
            for band in range(len(rings) - 2, -1, -1):
                deeper = self.blank()
                self.fill(deeper, rings[band], 255)
                cv2.bitwise_and(deeper, hole, dst=deeper)
                mask[cv2.subtract(hole, deeper) > 0] = band + 1
                hole = deeper
        return self._meet(mask, profile, is_inside=True), np.flatnonzero(hole)

    def _meet(self, mask: np.ndarray, profile: Profile, is_inside: bool) -> Hits:
        pixels = np.flatnonzero(mask)
        band = mask.ravel()[pixels] - 1
        x, y, z = self.rays[:, pixels]
        eye_x, eye_y, eye_z = self.eye.astype(np.float32)
        slope = np.diff(profile.radii) / np.maximum(np.diff(profile.heights), FLAT)
        low = profile.heights.astype(np.float32)[band]
        high = profile.heights.astype(np.float32)[band + 1]
        slopes = slope.astype(np.float32)[band]
        at_eye = profile.radii.astype(np.float32)[band] + slopes * (eye_y - low)
        rise = slopes * y
        a = x * x + z * z - rise * rise
        b = eye_x * x + eye_z * z - rise * at_eye
        c = eye_x * eye_x + eye_z * eye_z - at_eye * at_eye
        root = np.sqrt(np.maximum(b * b - a * c, 0))
        larger = -(b + np.copysign(root, b))
        first, second = larger / _not_zero(a), c / _not_zero(larger)
        near, far = np.minimum(first, second), np.maximum(first, second)
        wanted, other = (far, near) if is_inside else (near, far)
        margin = (high - low) * 0.5
        height = eye_y + wanted * y
        is_met = (height >= low - margin) & (height <= high + margin) & (wanted > 0)
        share = np.where(is_met, wanted, other)
        points = np.stack(
            [eye_x + share * x, np.clip(eye_y + share * y, low, high), eye_z + share * z]
        )
        return Hits(pixels, points, _smooth_slopes(profile, slope, points[1]))


def _smooth_slopes(profile: Profile, slope: np.ndarray, heights: np.ndarray) -> np.ndarray:
    middles = (profile.heights[:-1] + profile.heights[1:]) / 2
    return np.interp(heights, middles, slope).astype(np.float32)


def _not_zero(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) < FLAT, np.float32(FLAT), values)


def ring_outline(profile: Profile) -> np.ndarray:
    """Return points (N, 3) around a section of height and radius 1, in units of the dims."""
    every = profile.rings[:, :: SIDES // 16].reshape(-1, 3)
    return np.asarray(every * (0.5, 1.0, 0.5) - (0.0, 0.5, 0.0))
