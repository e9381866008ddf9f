"""Edges of a box in a picture: whether they are where a pose puts them, and the pose they tell.

Source: points along the projected edges, each moved along its normal to the nearest strong change
of brightness (Harris and Stennett, "RAPID - A Video Rate Object Tracker", 1990); robust weights of
Tukey.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from cpose.annotation.video.box_details import FACES, FOLLOWED_SIDE, corners_by, robust_rows
from cpose.annotation.video.motion import Frame
from cpose.structures.cuboid import CORNER_SIGNS

SAMPLES = 20
"""Points of an edge."""
ENDS = 0.06
"""Share of an edge at both ends that is left out: other edges begin there."""
SMOOTHING = 1.0
"""Standard deviation in pixels of the filter before the change of brightness is measured."""
LEAST_CHANGE = 2.5
"""Grey levels per pixel of what counts as an edge."""
STRONG = 0.4
"""Of the strongest change near a point, likewise."""
STEP = 0.5
"""Pixels between samples across an edge."""
NEAR, LOOK = 2.5, 6
"""Pixels within which an edge supports a pose, and in which it is looked for."""
SEEN = 0.05
"""Cosine of the angle to a face below which its edges may not be seen."""
FEWEST = 20
"""Points of a pose."""
WIDE = (20, 20, 16, 16, 12, 12, 8, 8, 6, 5, 4, 4, 3, 3)
"""Pixels to both sides in which edges are looked for, round by round."""
TRIED_PX, RETURN_PX = 6.0, 1.0
"""How far a pose is moved off, and how near it must come back, where edges alone tell it."""
CLICKED_PX = 4.0
"""How far from a placed box its edges may be."""
SURE_SUPPORT = 0.6

EDGES = tuple(
    (first, second)
    for first in range(len(CORNER_SIGNS))
    for second in range(first + 1, len(CORNER_SIGNS))
    if (CORNER_SIGNS[first] != CORNER_SIGNS[second]).sum() == 1
)
NO_POINTS = (np.empty((0, 3)), np.empty((0, 2)))


@dataclass(frozen=True)
class EdgeFit:
    """How the edges of a box fit to a picture.

    Attributes:
        pose: Rotation vector and translation (6,), OpenCV camera from object.
        support: Share of the points on its edges that see an edge there, 0 to 1.
    """

    pose: np.ndarray
    support: float


@dataclass(frozen=True)
class EdgePicture:
    """A frame in which edges are looked for.

    Attributes:
        frame: Its camera, of the picture as it was read.
        image: (H, W) uint8, as it was read.
    """

    frame: Frame
    image: np.ndarray

    @property
    def scale(self) -> float:
        """Return pixels in which edges are looked for per pixel of the picture."""
        return min(1.0, FOLLOWED_SIDE / max(self.image.shape))

    @cached_property
    def smooth(self) -> np.ndarray:
        """Return the picture (h, w) in which edges are looked for, float32."""
        image = self.image
        if self.scale < 1:
            image = cv2.resize(
                image, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_AREA
            )
        return cv2.GaussianBlur(image.astype(np.float32), (0, 0), SMOOTHING)

    @cached_property
    def camera(self) -> Frame:
        """Return the camera of that picture."""
        intrinsics = self.frame.intrinsics.copy()
        intrinsics[:2] *= self.scale
        intrinsics[:2, 2] += (self.scale - 1) / 2
        return replace(self.frame, intrinsics=intrinsics)


class BoxEdges:
    """The edges of a box.

    Args:
        dims: (3,) extents.
    """

    def __init__(self, dims: np.ndarray) -> None:
        self._dims = dims
        along = np.linspace(ENDS, 1 - ENDS, SAMPLES)[:, None]
        corners = CORNER_SIGNS / 2 * dims
        self._points = np.stack([corners[a] + along * (corners[b] - corners[a]) for a, b in EDGES])

    def support(self, picture: EdgePicture, pose: np.ndarray) -> float:
        """Return which share of the edges is where a pose (6,) puts them."""
        _, offsets, is_inside = self._measure(picture, pose, LOOK)
        return float((np.abs(offsets) <= NEAR).sum() / max(is_inside.sum(), 1))

    def refine(
        self,
        picture: EdgePicture,
        pose: np.ndarray,
        details: tuple[np.ndarray, np.ndarray] = NO_POINTS,
        reaches: Sequence[float] = WIDE,
    ) -> EdgeFit:
        """Move a pose (6,) to where it explains edges and details best.

        Args:
            picture: The frame.
            pose: Where to start.
            details: (N, 3) points of the box and (N, 2) pixels where they are.
            reaches: Pixels to both sides in which edges are looked for, round by round.
        """
        pose = pose.copy()
        points, pixels = details[0], (details[1] + 0.5) * picture.scale - 0.5
        for reach in reaches:
            rows, offsets, _ = self._measure(picture, pose, reach)
            is_found = np.isfinite(offsets)
            if is_found.sum() < FEWEST:
                break
            near = offsets[is_found]
            share = 1 - np.square(near / (reach + 1))
            parts = [(rows[is_found] * share[:, None], near * share)]
            if len(points):
                parts.append(robust_rows(picture.camera, points, pixels, pose)[:2])
            matrix, goal = (np.concatenate(part) for part in zip(*parts, strict=True))
            if not np.isfinite(matrix).all():  # the pose has run away
                break
            pose += np.linalg.lstsq(matrix, goal, rcond=None)[0]
        return EdgeFit(pose, self.support(picture, pose))

    def tell_pose(self, picture: EdgePicture, pose: np.ndarray) -> bool:
        """Tell whether the edges alone tell the pose of a box that was placed.

        They do not where prints beside the edges look like edges: a pose that is moved off then
        ends elsewhere.
        """
        found = self.refine(picture, pose)
        if found.support < SURE_SUPPORT or self._apart(picture, found.pose, pose) > CLICKED_PX:
            return False
        metre = TRIED_PX * pose[5] / picture.camera.intrinsics[0, 0]
        for axis in (3, 4):
            for side in (-metre, metre):
                moved = pose.copy()
                moved[axis] += side
                again = self.refine(picture, moved)
                if self._apart(picture, again.pose, found.pose) > RETURN_PX:
                    return False
        return True

    def _apart(self, picture: EdgePicture, first: np.ndarray, second: np.ndarray) -> float:
        """Return the mean distance of the corners by two poses, pixels."""
        pair = [corners_by(picture.camera, self._dims, pose) for pose in (first, second)]
        return float(np.linalg.norm(pair[0] - pair[1], axis=1).mean())

    def _visible_points(self, pose: np.ndarray) -> np.ndarray:
        """Return the points (E, S, 3) of edges of faces that are turned to the camera."""
        rotation, shift = cv2.Rodrigues(pose[:3])[0], pose[3:]
        shown = np.zeros(len(EDGES), bool)
        for axis, side in FACES:
            normal = rotation[:, axis] * side
            middle = shift + normal * self._dims[axis] / 2
            if -normal @ middle > SEEN * np.linalg.norm(middle):
                on_face = CORNER_SIGNS[:, axis] == side
                shown |= [on_face[first] and on_face[second] for first, second in EDGES]
        return self._points[shown]

    def _measure(
        self, picture: EdgePicture, pose: np.ndarray, reach: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return how far edges are off along their normals.

        Returns:
            Derivatives of the places along the normals by the pose (N, 6); pixels to the nearest
            edge (N,), NaN where there is none; whether the points are in the picture (N,).
        """
        camera, points = picture.camera, self._visible_points(pose)
        flat, by_all = cv2.projectPoints(
            points.reshape(-1, 3), pose[:3], pose[3:], camera.intrinsics, camera.distortion
        )
        tangent = np.gradient(flat.reshape(-1, SAMPLES, 2), axis=1).reshape(-1, 2)
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
        normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
        rows = np.einsum('ni,nij->nj', normal, by_all[:, :6].reshape(-1, 2, 6))
        places = flat.reshape(-1, 2)
        height, width = picture.smooth.shape
        is_inside = np.all((places > 1) & (places < (width - 2, height - 2)), axis=1)
        offsets = np.full(len(places), np.nan)
        if is_inside.any():
            offsets[is_inside] = _nearest(
                picture.smooth, places[is_inside], normal[is_inside], reach
            )
        return rows, offsets, np.asarray(is_inside)


def _nearest(
    smooth: np.ndarray, places: np.ndarray, normal: np.ndarray, reach: float
) -> np.ndarray:
    """Return how far (N,) the nearest edge is from places (N, 2) along normals; NaN for none."""
    shifts = np.arange(-reach - 1, reach + 1 + STEP, STEP)
    x, y = (
        (places[:, axis, None] + normal[:, axis, None] * shifts).astype(np.float32)
        for axis in range(2)
    )
    profile = np.asarray(cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    change = np.abs(np.gradient(profile, STEP, axis=1))
    least = np.maximum(LEAST_CHANGE, STRONG * change.max(axis=1, keepdims=True))
    middle = change[:, 1:-1]
    is_peak = (middle >= change[:, :-2]) & (middle > change[:, 2:]) & (middle > least)
    distances = np.where(is_peak, np.abs(shifts[1:-1]), np.inf)
    nearest = distances.argmin(axis=1)
    rows = np.arange(len(distances))
    is_found = np.isfinite(distances[rows, nearest])
    before, peak, after = (change[rows, nearest + k] for k in range(3))
    bend = np.maximum(2 * peak - before - after, 1e-6)
    top = shifts[1:-1][nearest] + STEP * np.clip((after - before) / (2 * bend), -0.5, 0.5)
    return np.where(is_found, top, np.nan)
