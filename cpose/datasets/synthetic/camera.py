"""The virtual camera above the support plane."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cpose.datasets.synthetic.chance import log_uniform
from cpose.datasets.synthetic.polygons import cut_convex
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix

NEAR = 0.02
"""Distance in metres in front of the camera where polygons are cut."""

STEEP = np.sin(np.radians(75))
TILTED = np.tan(np.radians(20))


@dataclass(frozen=True)
class VirtualCamera:
    """A pinhole camera that looks ahead and down onto the plane Y = 0.

    Attributes:
        image_wh: Width and height in pixels.
        intrinsics: (3, 3) pixels.
        cv_from_world: (3, 3) rotation.
        height: Metres above the plane.
    """

    image_wh: tuple[int, int]
    intrinsics: np.ndarray
    cv_from_world: np.ndarray
    height: float

    @cached_property
    def position(self) -> np.ndarray:
        """(3,) world."""
        return np.array([0.0, self.height, 0.0])

    def to_cv(self, points_world: np.ndarray) -> np.ndarray:
        """Move points (..., 3) from the world to the OpenCV camera frame."""
        return (points_world - self.position) @ self.cv_from_world.T

    def project(self, points_world: np.ndarray) -> np.ndarray:
        """Project points (..., 3) in front of the camera to pixels (..., 2)."""
        homogeneous = (points_world - self.position) @ self._image_from_world.T
        return np.asarray(homogeneous[..., :2] / homogeneous[..., 2:])

    @cached_property
    def is_steep(self) -> bool:
        """Whether it looks down by more than 75 degrees: its foot point may be in the picture."""
        return bool(-self.cv_from_world[2, 1] > STEEP)

    @cached_property
    def is_rolled(self) -> bool:
        """Whether the world's up is more than 20 degrees off the picture's."""
        up = self.cv_from_world[:2, 1]
        return bool(abs(up[0]) > -up[1] * TILTED)

    @cached_property
    def _image_from_world(self) -> np.ndarray:
        return self.intrinsics @ self.cv_from_world

    def project_polygon(self, points_world: np.ndarray) -> np.ndarray:
        """Project a polygon (N, 3), cut off what is behind the camera; (M, 2), M may be 0."""
        points_cv = self.to_cv(points_world)
        return project_points(cut_convex(points_cv, points_cv[:, 2] - NEAR), self.intrinsics)

    def ray_world(self, point_image: np.ndarray) -> np.ndarray:
        """Return the viewing direction (3,) of a pixel, OpenCV depth 1, world axes."""
        homogeneous = np.append(point_image, 1.0)
        return np.linalg.solve(self.intrinsics, homogeneous) @ self.cv_from_world

    def image_from_plane(self, origin: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """Return the homography (3, 3) of plane coordinates (a, b, 1) to pixels.

        Args:
            origin: (3,) world point of (0, 0).
            axes: (2, 3) world vectors of one unit of a and of b.
        """
        columns = np.array([axes[0], axes[1], origin - self.position]).T
        return self.intrinsics @ self.cv_from_world @ columns


def lift(points_xz: np.ndarray, height: float) -> np.ndarray:
    """Return world points (N, 3) at one height from their X and Z (N, 2)."""
    lifted = np.full((len(points_xz), 3), height)
    lifted[:, ::2] = points_xz
    return lifted


def sample_camera(
    rng: np.random.Generator,
    image_wh: tuple[int, int],
    pitch_deg: tuple[float, float] = (0.0, 58.0),
    odd: float = 0.2,
    rolled: float = 0.0,
    roll_deg: tuple[float, float] = (18.0, 180.0),
) -> VirtualCamera:
    """Sample lens, pitch and roll of a hand-held camera; its height is 1 until it is placed.

    Args:
        rng: The only source of randomness.
        image_wh: Width and height in pixels.
        pitch_deg: Range of the angle below the horizon, degrees.
        odd: Probability of an unusual lens, and of a roll of up to 18 degrees.
        rolled: Probability of a larger roll.
        roll_deg: Range of that roll to either side, degrees; smaller ones are likelier.
    """
    width, height = image_wh
    spread = (0.6, 1.6) if rng.random() < odd else (0.68, 1.0)
    focal = max(width, height) * log_uniform(rng, *spread)
    centre = np.array([width, height]) * (0.5 + rng.uniform(-0.05, 0.05, 2))
    intrinsics = intrinsic_matrix(focal, focal * rng.uniform(0.985, 1.015), *centre)
    least, most = pitch_deg
    pitch = np.radians(rng.triangular(least, least + (most - least) / 4, most))
    roll = np.radians(rng.uniform(-18, 18) if rng.random() < odd else rng.normal(0, 2.5))
    if rolled > 0 and rng.random() < rolled:
        roll = np.radians(rng.triangular(roll_deg[0], *roll_deg)) * (-1.0, 1.0)[rng.integers(2)]
    return VirtualCamera(image_wh, intrinsics, rotation_cv_from_world(pitch, roll), 1.0)


def rotation_cv_from_world(pitch: float, roll: float) -> np.ndarray:
    """Return the (3, 3) rotation of a camera pitched down and rolled clockwise, radians."""
    level = np.diag([1.0, -1.0, -1.0])
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return turn @ tilt @ level
