"""A box seen in a picture as a least-squares problem: unknowns, residuals, their derivatives.

State: rotation vector (3), location (3), the logarithm of each unknown extent, the logarithm of the
focal length where it is unknown. Without any known extent the height is 1.
"""

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from cpose.errors import check_shape
from cpose.structures.camera import guess_intrinsics
from cpose.structures.cuboid import CORNER_SIGNS, NUM_CORNERS

UNIT_CORNERS = CORNER_SIGNS / 2
PIXELS_PER_SIGMA = 800.0
"""The longer side of the picture in standard deviations of a click: 1 px at 800 pixels."""
RATIO_SIGMA = 1.2
"""Of the logarithm of an unknown extent to the known ones: boxes are rarely ten times longer."""
FOCAL_SIGMA = 0.4
"""Of the logarithm of an unknown focal length to that of a phone."""
LEVEL_SIGMA = np.radians(4.0)
"""Of the camera's roll, and of an upright object's axis to a known vertical."""
MOST_RATIO = np.log(60.0)
FOCAL_RANGE = np.log([0.25, 12.0])
"""Of the focal length to that of a phone."""
FIRST_FREE = 6


class PlacedCorners:
    """What follows from corners that somebody placed in a picture."""

    corners_image: np.ndarray
    image_wh: tuple[int, int]
    trust: np.ndarray

    @cached_property
    def numbers(self) -> np.ndarray:
        """Return (P,) numbers of the placed corners, 0 to 7."""
        return np.flatnonzero(np.isfinite(self.corners_image).all(axis=1))

    @cached_property
    def points(self) -> np.ndarray:
        """Return (P, 2) their pixels."""
        return np.ascontiguousarray(self.corners_image[self.numbers], dtype=np.float64)

    @cached_property
    def sigma(self) -> np.ndarray:
        """Return (P,) standard deviations of the placed corners, pixels."""
        return np.asarray(max(self.image_wh) / PIXELS_PER_SIGMA / self.trust[self.numbers])


@dataclass(frozen=True)
class CuboidProblem(PlacedCorners):
    """What is known of a box in a picture.

    Attributes:
        corners_image: (8, 2) pixels of the placed corners, NaN for the others.
        image_wh: Width and height, pixels.
        intrinsics: (3, 3) pixels, None where the focal length is unknown: the principal point is
            then the middle of the picture.
        dims: (3,) extents along x, y, z, metres or any unit, NaN where unknown.
        distortion: Lens coefficients k1 k2 p1 p2 ..., None for a pinhole.
        is_upright: Whether the object stands upright. Its axis then points to ``up_cv``, or without
            that anywhere up, with a camera that is not rolled.
        up_cv: (3,) unit vector, OpenCV camera frame.
        trust: (8,) weight of each corner, 1 for one that was placed exactly.
    """

    corners_image: np.ndarray
    image_wh: tuple[int, int]
    intrinsics: np.ndarray | None = None
    dims: np.ndarray = field(default_factory=lambda: np.full(3, np.nan))
    distortion: np.ndarray | None = None
    is_upright: bool = False
    up_cv: np.ndarray | None = None
    trust: np.ndarray = field(default_factory=lambda: np.ones(NUM_CORNERS))

    def __post_init__(self) -> None:
        """Check the shapes."""
        check_shape('corners_image', self.corners_image, (NUM_CORNERS, 2))
        check_shape('dims', self.dims, (3,))
        check_shape('trust', self.trust, (NUM_CORNERS,))

    @cached_property
    def camera(self) -> np.ndarray:
        """Return (3, 3) the intrinsics, those of a phone where the focal length is unknown."""
        known = self.intrinsics
        return guess_intrinsics(self.image_wh) if known is None else np.asarray(known, np.float64)

    @cached_property
    def free_axes(self) -> np.ndarray:
        """Return the axes of unknown extent; without any known one the height is the unit."""
        if self.is_relative:
            return np.array([0, 2])
        return np.flatnonzero(np.isnan(self.dims))

    @property
    def is_relative(self) -> bool:
        """Whether no extent is known."""
        return bool(np.isnan(self.dims).all())

    @property
    def is_focal_free(self) -> bool:
        """Whether the focal length is unknown."""
        return self.intrinsics is None

    @property
    def num_free(self) -> int:
        """Number of unknowns."""
        return FIRST_FREE + len(self.free_axes) + self.is_focal_free

    @cached_property
    def unit(self) -> float:
        """Return the extent that unknown ones are compared with."""
        known = self.dims[np.isfinite(self.dims)]
        return float(np.exp(np.log(known).mean())) if len(known) else 1.0

    def dims_of(self, state: np.ndarray) -> np.ndarray:
        """Return (3,) the extents of a state."""
        dims = np.where(np.isnan(self.dims), 1.0, self.dims)
        dims[self.free_axes] = np.exp(state[FIRST_FREE : FIRST_FREE + len(self.free_axes)])
        return dims

    def camera_of(self, state: np.ndarray) -> np.ndarray:
        """Return (3, 3) the intrinsics of a state, pixels."""
        if not self.is_focal_free:
            return self.camera
        camera = self.camera.copy()
        camera[[0, 1], [0, 1]] *= np.exp(state[-1])
        return camera

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest value of each unknown; the box is before the camera."""
        low, high = np.full(self.num_free, -np.inf), np.full(self.num_free, np.inf)
        low[5] = 1e-4 * self.unit
        free = slice(FIRST_FREE, FIRST_FREE + len(self.free_axes))
        middle = np.log(self.unit)
        low[free], high[free] = middle - MOST_RATIO, middle + MOST_RATIO
        if self.is_focal_free:
            low[-1], high[-1] = FOCAL_RANGE
        return low, high

    def linearise(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals (2P + R,) in standard deviations and their derivatives (2P + R, S)."""
        dims, camera = self.dims_of(state), self.camera_of(state)
        corners = UNIT_CORNERS[self.numbers] * dims
        rotation, by_vector = cv2.Rodrigues(state[:3])
        projected, by_cv = cv2.projectPoints(
            corners, state[:3], state[3:6], camera, self.distortion
        )
        error = (projected.reshape(-1, 2) - self.points) / self.sigma[:, None]
        jacobian = np.zeros((2 * len(corners), self.num_free))
        jacobian[:, :FIRST_FREE] = by_cv[:, :FIRST_FREE]
        for column, axis in enumerate(self.free_axes, FIRST_FREE):
            along = np.repeat(corners[:, axis], 2)
            jacobian[:, column] = by_cv[:, 3:6] @ rotation[:, axis] * along
        if self.is_focal_free:
            jacobian[:, -1] = by_cv[:, 6] * camera[0, 0] + by_cv[:, 7] * camera[1, 1]
        jacobian /= np.repeat(self.sigma, 2)[:, None]
        priors, by_prior = self._priors(state, rotation, by_vector)
        return np.concatenate([error.ravel(), priors]), np.concatenate([jacobian, by_prior])

    def _priors(
        self, state: np.ndarray, rotation: np.ndarray, by_vector: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals (R,) of what is likely, and their derivatives (R, S)."""
        free, sigmas = state[FIRST_FREE:], np.full(self.num_free - FIRST_FREE, RATIO_SIGMA)
        expected = np.full(len(free), np.log(self.unit))
        if self.is_focal_free:
            sigmas[-1], expected[-1] = FOCAL_SIGMA, 0.0
        residuals, jacobian = [(free - expected) / sigmas], np.zeros((len(free), self.num_free))
        jacobian[np.arange(len(free)), FIRST_FREE + np.arange(len(free))] = 1 / sigmas
        if not self.is_upright:
            return residuals[0], jacobian
        up, by_up = rotation[:, 1], by_vector[:, 1::3].T  # OpenCV derives the matrix row by row
        rows = [0] if self.up_cv is None else [0, 1, 2]
        wanted = np.zeros(3) if self.up_cv is None else self.up_cv
        upright = np.zeros((len(rows), self.num_free))
        upright[:, :3] = by_up[rows] / LEVEL_SIGMA
        residuals.append((up - wanted)[rows] / LEVEL_SIGMA)
        return np.concatenate(residuals), np.concatenate([jacobian, upright])
