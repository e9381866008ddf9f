"""A rigid box seen in several frames as one least-squares problem.

The box stands still before a camera whose poses are known, or it is moved and has a pose of its own
in each view. State: rotation vector and centre (6) of each pose, the logarithm of each unknown
extent, and the logarithm of metres per unit of the world where only typed sizes tell it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from cpose.annotation.cuboid_problem import (
    LEVEL_SIGMA,
    RATIO_SIGMA,
    UNIT_CORNERS,
    PlacedCorners,
)
from cpose.structures.cuboid import NUM_CORNERS

BASE_SIGMA = 0.005
"""Metres between the base of a box and the board on the ground that it stands on."""
PLACE_SIGMA = 0.5
"""Of the centre of a box to where the cameras look at, their distance from there."""
POSE = 6


@dataclass(frozen=True)
class BoxView(PlacedCorners):
    """What was clicked of a box in one frame.

    Attributes:
        corners_image: (8, 2) pixels, NaN for corners that were not placed.
        image_wh: Width and height, pixels.
        intrinsics: (3, 3) pixels.
        distortion: Lens coefficients, None for a pinhole.
        cv_from_world: (4, 4), unit of the world; the identity where the box has its own pose.
        trust: (8,) weight of each corner, 1 for one that was placed exactly.
    """

    corners_image: np.ndarray
    image_wh: tuple[int, int]
    intrinsics: np.ndarray
    distortion: np.ndarray | None = None
    cv_from_world: np.ndarray = field(default_factory=lambda: np.eye(4))
    trust: np.ndarray = field(default_factory=lambda: np.ones(NUM_CORNERS))

    @property
    def camera_world(self) -> np.ndarray:
        """Return (3,) where the camera is."""
        return np.asarray(-self.cv_from_world[:3, :3].T @ self.cv_from_world[:3, 3])

    def to_cv(self, points_world: np.ndarray) -> np.ndarray:
        """Return points (..., 3) in the frame of the camera."""
        return points_world @ self.cv_from_world[:3, :3].T + self.cv_from_world[:3, 3]

    def project(self, points_world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels (P, 2) of points (P, 3), and their derivatives (P, 2, 3) by the points."""
        rotation, shift = self.cv_from_world[:3, :3], self.cv_from_world[:3, 3]
        vector = cv2.Rodrigues(rotation)[0]
        pixels, by_all = cv2.projectPoints(
            points_world, vector, shift, self.intrinsics, self.distortion
        )
        by_cv = by_all[:, 3:6].reshape(-1, 2, 3)
        return pixels.reshape(-1, 2), by_cv @ rotation


@dataclass(frozen=True)
class JointProblem:
    """What is known of a box in a video.

    Attributes:
        views: Frames in which corners were placed.
        dims: (3,) extents along x, y, z, metres, NaN where unknown.
        is_metric: Whether the unit of the world is the metre.
        is_moved: Whether the box has a pose of its own in each view.
        plane_world: (2, 3) a point of the ground and its normal, which points up; None if unknown.
        is_upright: Whether the box stands on that plane.
        expected: (3,) where a box that stands still is likely to be, unit of the world.
    """

    views: Sequence[BoxView]
    dims: np.ndarray = field(default_factory=lambda: np.full(3, np.nan))
    is_metric: bool = True
    is_moved: bool = False
    plane_world: np.ndarray | None = None
    is_upright: bool = True
    expected: np.ndarray | None = None

    @property
    def num_poses(self) -> int:
        """Number of poses."""
        return len(self.views) if self.is_moved else 1

    @property
    def is_relative(self) -> bool:
        """Whether the height is the unit: a moved box of which no size is known."""
        return self.is_moved and bool(np.isnan(self.dims).all())

    @cached_property
    def free_axes(self) -> np.ndarray:
        """Return the axes of unknown extent."""
        return np.array([0, 2]) if self.is_relative else np.flatnonzero(np.isnan(self.dims))

    @property
    def is_scale_free(self) -> bool:
        """Whether typed sizes tell the scale of the world."""
        return not (self.is_metric or self.is_moved) and bool(np.isfinite(self.dims).any())

    @property
    def num_free(self) -> int:
        """Number of unknowns."""
        return POSE * self.num_poses + len(self.free_axes) + self.is_scale_free

    @property
    def _extents(self) -> slice:
        start = POSE * self.num_poses
        return slice(start, start + len(self.free_axes))

    def dims_of(self, state: np.ndarray) -> np.ndarray:
        """Return (3,) the extents of a state, metres where the scale is known."""
        dims = np.where(np.isnan(self.dims), 1.0, self.dims)
        dims[self.free_axes] = np.exp(state[self._extents])
        return dims

    def scale_of(self, state: np.ndarray) -> float:
        """Return metres, or units of ``dims``, per unit of the world."""
        return float(np.exp(state[-1])) if self.is_scale_free else 1.0

    def pose_of(self, state: np.ndarray, view: int) -> np.ndarray:
        """Return rotation vector and centre (6,) of the box in a view."""
        start = POSE * view if self.is_moved else 0
        return state[start : start + POSE]

    def corners_world(self, state: np.ndarray, view: int) -> np.ndarray:
        """Return (8, 3) corners, unit of the world."""
        pose, dims = self.pose_of(state, view), self.dims_of(state) / self.scale_of(state)
        return np.asarray((UNIT_CORNERS * dims) @ cv2.Rodrigues(pose[:3])[0].T + pose[3:])

    def linearise(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals (R,) in standard deviations and their derivatives (R, S)."""
        parts = [self._linearise_view(state, number) for number in range(len(self.views))]
        parts += [self._ratio_prior(state), *self._ground_priors(state), *self._place_prior(state)]
        residuals, jacobians = zip(*parts, strict=True)
        return np.concatenate(residuals), np.concatenate(jacobians)

    def _linearise_view(self, state: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
        view, pose = self.views[number], self.pose_of(state, number)
        corners = UNIT_CORNERS[view.numbers] * self.dims_of(state) / self.scale_of(state)
        rotation, by_vector = cv2.Rodrigues(pose[:3])
        turned = corners @ rotation.T
        pixels, by_world = view.project(turned + pose[3:])
        jacobian = np.zeros((len(corners), 2, self.num_free))
        start = POSE * number if self.is_moved else 0
        # OpenCV derives the matrix row by row: first the vector's axis, then row and column.
        by_rotation = np.einsum('jik,pk->pij', by_vector.reshape(3, 3, 3), corners)
        jacobian[..., start : start + 3] = by_world @ by_rotation
        jacobian[..., start + 3 : start + POSE] = by_world
        for column, axis in enumerate(self.free_axes, self._extents.start):
            jacobian[..., column] = by_world @ rotation[:, axis] * corners[:, axis, None]
        if self.is_scale_free:
            jacobian[..., -1] = -np.einsum('pij,pj->pi', by_world, turned)
        error = (pixels - view.points) / view.sigma[:, None]
        return error.ravel(), (jacobian / view.sigma[:, None, None]).reshape(-1, self.num_free)

    def _ratio_prior(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return that unknown extents are like the known ones, or like each other."""
        free, count = state[self._extents], len(self.free_axes)
        jacobian = np.zeros((count, self.num_free))
        known = self.dims[np.isfinite(self.dims)]
        if len(known) or self.is_relative:
            middle = np.log(known).mean() if len(known) else 0.0
            jacobian[:, self._extents] = np.eye(count)
        else:
            middle = free.mean()
            jacobian[:, self._extents] = np.eye(count) - 1 / count
        return (free - middle) / RATIO_SIGMA, jacobian / RATIO_SIGMA

    def _ground_priors(self, state: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return that a box stands on the plane: its axis is the normal, its base lies there."""
        if self.plane_world is None or not self.is_upright or self.is_moved:
            return []
        point, up_world = self.plane_world
        rotation, by_vector = cv2.Rodrigues(state[:3])
        upright = np.zeros((3, self.num_free))
        upright[:, :3] = by_vector[:, 1::3].T
        height = self.dims_of(state)[1]
        base = np.zeros((1, self.num_free))
        base[0, 3:POSE] = up_world
        base[0, self._extents] = np.where(self.free_axes == 1, -height / 2, 0.0)
        level = np.array([up_world @ (state[3:POSE] - point) - height / 2])
        return [
            ((rotation[:, 1] - up_world) / LEVEL_SIGMA, upright / LEVEL_SIGMA),
            (level / BASE_SIGMA, base / BASE_SIGMA),
        ]

    def _place_prior(self, state: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return that a box is where the cameras look: one view leaves its distance open."""
        if self.expected is None or self.is_moved:
            return []
        distance = np.linalg.norm(self.views[0].camera_world - self.expected)
        sigma = PLACE_SIGMA * max(float(distance), 1e-9)
        jacobian = np.zeros((3, self.num_free))
        jacobian[:, 3:POSE] = np.eye(3)
        return [((state[3:POSE] - self.expected) / sigma, jacobian / sigma)]
