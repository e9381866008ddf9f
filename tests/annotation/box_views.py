"""Views of boxes whose pose is known."""

from dataclasses import dataclass

import cv2
import numpy as np

from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

IMAGE_WH = (800, 600)


@dataclass(frozen=True)
class BoxView:
    """A box before a camera; frames and units as in `cpose.annotation.cuboid_solver`."""

    intrinsics: np.ndarray
    dims: np.ndarray
    rotation: np.ndarray
    location: np.ndarray

    @property
    def corners_cv(self):
        return (CORNER_SIGNS / 2 * self.dims) @ self.rotation.T + self.location

    @property
    def corners(self):
        return project_points(self.corners_cv, self.intrinsics)

    def visible(self):
        """Return the corners of faces that are turned to the camera."""
        seen = set()
        for axis in range(3):
            for side in (-1, 1):
                outward = self.rotation[:, axis] * side
                if outward @ (self.location + outward * self.dims[axis] / 2) < 0:
                    seen |= set(np.flatnonzero(CORNER_SIGNS[:, axis] == side))
        return sorted(seen)

    def clicks(self, numbers=None, noise=0.0, rng=None):
        """Return (8, 2) with NaN for the corners that are not clicked."""
        numbers = self.visible() if numbers is None else numbers
        clicks = np.full((8, 2), np.nan)
        clicks[numbers] = self.corners[numbers]
        return clicks if rng is None else clicks + rng.normal(0, noise, (8, 2))


def box_view(yaw=-35.0, pitch=28.0, roll=0.0, dims=(0.6, 1.0, 1.4), distance=3.0, focal=620.0):
    """Return a view; at yaw 0 the front faces the camera, a pitch looks down on the box."""
    turns = np.radians([(0, 0, roll), (pitch, 0, 0), (0, yaw, 0)])
    about_z, about_x, about_y = (cv2.Rodrigues(turn)[0] for turn in turns)
    rotation = about_z @ about_x @ np.diag([1.0, -1.0, -1.0]) @ about_y
    camera = intrinsic_matrix(focal, focal, IMAGE_WH[0] / 2, IMAGE_WH[1] / 2)
    location = np.array([0.1, -0.05, 1.0]) * distance * np.linalg.norm(dims)
    return BoxView(camera, np.asarray(dims, float), rotation, location)


def random_view(rng):
    """Return a box like those people photograph: three faces seen, a few degrees of roll."""
    return box_view(
        yaw=rng.uniform(-60, -25) + 90 * rng.integers(4),
        pitch=rng.uniform(18, 45),
        roll=rng.normal(0, 3),
        dims=(rng.uniform(0.5, 2), 1.0, rng.uniform(0.5, 2)),
        distance=rng.uniform(1.6, 2.4),
        focal=rng.uniform(500, 900),
    )


def rotation_error_deg(first, second):
    return float(np.degrees(np.arccos(np.clip((np.trace(first.T @ second) - 1) / 2, -1, 1))))


def ratio_error(dims, expected):
    """Return the largest relative error of an extent, both relative to the height."""
    return float(np.abs(dims / dims[1] / (expected / expected[1]) - 1).max())


def paint(view, image_wh=IMAGE_WH):
    """Return a picture (H, W, 3) BGR of a box on a plain ground."""
    width, height = image_wh
    image = np.full((height, width, 3), (86, 92, 98), np.uint8)
    image[height // 3 :] = (120, 128, 136)
    for axis, color in enumerate([(70, 110, 190), (95, 140, 220), (50, 80, 150)]):
        for side in (-1, 1):
            outward = view.rotation[:, axis] * side
            if outward @ (view.location + outward * view.dims[axis] / 2) < 0:
                face = np.flatnonzero(CORNER_SIGNS[:, axis] == side)[[0, 1, 3, 2]]
                points = np.round(view.corners[face] * 16).astype(np.int32)
                cv2.fillConvexPoly(image, points, color, cv2.LINE_AA, 4)
    return image
