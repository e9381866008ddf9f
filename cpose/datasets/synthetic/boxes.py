"""Boxes in the world: upright on the plane, on top of each other, leaning or in the air.

What a box is the cuboid of, a carton or something else, is its form.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations, product

import cv2
import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.shapes.base import Form
from cpose.structures.cuboid import cuboid_keypoints

UPRIGHT = np.eye(3)
LEAN = np.radians(30)
"""Angle of a typical view down onto a box, radians."""


@dataclass(frozen=True)
class Box:
    """A box on the plane or above it.

    Attributes:
        dims: (3,) metres along its x, y, z.
        position: (2,) world X and Z of its centre.
        yaw: Angle about the world's Y axis, radians.
        tilt: (3, 3) rotation that follows the yaw; the identity leaves the box upright.
        level: Metres from the plane up to its lowest corner.
        form: What is drawn inside; None for a carton.
    """

    dims: np.ndarray
    position: np.ndarray
    yaw: float
    tilt: np.ndarray = field(default_factory=UPRIGHT.copy)
    level: float = 0.0
    form: Form | None = None

    @classmethod
    def at_rest(cls, dims: np.ndarray, position: np.ndarray, yaw: float, form: Form) -> 'Box':
        """Put a form on the plane as it rests there, turned about the world's Y axis."""
        if form.rest is None:
            return cls(dims, position, yaw, form=form)
        return cls(dims, position, 0.0, _turn(yaw) @ form.rest, form=form)

    @cached_property
    def is_upright(self) -> bool:
        """Whether two of its faces are level."""
        return bool(np.isclose(np.abs(self.world_from_object[1]).max(), 1.0))

    @property
    def is_standing(self) -> bool:
        """Whether it stands on the plane and its y axis points up."""
        return self.level == 0 and np.array_equal(self.tilt, UPRIGHT)

    @property
    def is_floating(self) -> bool:
        """Whether nothing carries it: it is tilted and in the air."""
        return self.level > 0 and not self.is_upright

    @cached_property
    def world_from_object(self) -> np.ndarray:
        """(3, 3) rotation."""
        turn = _turn(self.yaw)
        # Upright boxes keep every bit of what they were before boxes could be tilted.
        return turn if np.array_equal(self.tilt, UPRIGHT) else self.tilt @ turn

    @cached_property
    def height(self) -> float:
        """Metres between its lowest and its highest corner."""
        return float(np.abs(self.world_from_object[1]) @ self.dims)

    @cached_property
    def keypoints_world(self) -> np.ndarray:
        """(9, 3) centre and corners."""
        return cuboid_keypoints(self.dims) @ self.world_from_object.T + self._centre

    @cached_property
    def outline_world(self) -> np.ndarray:
        """(N, 3) points whose convex hull contains what is drawn."""
        outline = None if self.form is None else self.form.outline
        if outline is None:
            return self.keypoints_world[1:]
        return np.asarray((outline * self.dims) @ self.world_from_object.T + self._centre)

    @cached_property
    def footprint(self) -> np.ndarray:
        """(N, 2) world X and Z around everything that is above the plane, convex, in turn."""
        has_outline = self.form is not None and self.form.outline is not None
        if np.array_equal(self.tilt, UPRIGHT) and not has_outline:
            return self.keypoints_world[[1, 2, 6, 5]][:, [0, 2]]
        return _hull(self.outline_world[:, [0, 2]])

    @property
    def _centre(self) -> np.ndarray:
        return np.array([self.position[0], self.level + self.height / 2, self.position[1]])

    @property
    def heights(self) -> tuple[float, float]:
        """Metres from the plane to its lowest and its highest corner."""
        return self.level, self.level + self.height


def relabel_by_view(box: Box, camera: VirtualCamera) -> Box:
    """Name the axes of a box by what can be seen, as of a carton whose up nobody knows.

    The y axis becomes the one nearest to up in the picture, leant by `LEAN` towards the camera.
    That is the upright axis of whatever stands and is looked at from 15 degrees below to 75
    degrees above, so that boxes in hands and boxes on tables are labelled alike. The z axis
    becomes the one that points most towards the camera.

    Args:
        box: The box, in front of the camera.
        camera: The camera that sees it.

    Returns:
        The same solid with other dims and another rotation.
    """
    centre = camera.to_cv(box.keypoints_world[0])
    towards = -centre / np.linalg.norm(centre)
    up = np.array([0.0, -1.0, 0.0])
    up -= towards * (up @ towards)
    seen_up = up / np.linalg.norm(up) * np.cos(LEAN) + towards * np.sin(LEAN)
    axes = camera.cv_from_world @ box.world_from_object
    best = max(ROTATIONS, key=lambda turn: _fit(axes @ turn, seen_up, towards))
    tilt = box.world_from_object @ best
    return replace(box, dims=np.abs(best.T) @ box.dims, yaw=0.0, tilt=tilt)


def _fit(axes: np.ndarray, seen_up: np.ndarray, towards: np.ndarray) -> tuple[float, float]:
    return round(float(axes[:, 1] @ seen_up), 9), float(axes[:, 2] @ towards)


def _proper_rotations() -> tuple[np.ndarray, ...]:
    """Return the 24 rotations (3, 3) that map the axes of a box to axes."""
    turns = [
        np.eye(3)[list(order)] * np.array(signs)
        for order in permutations(range(3))
        for signs in product((-1.0, 1.0), repeat=3)
    ]
    return tuple(turn for turn in turns if np.linalg.det(turn) > 0)


ROTATIONS = _proper_rotations()


def _turn(yaw: float) -> np.ndarray:
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


def _hull(points: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], dtype=np.float64)
