"""Contracts of shapes: what samples objects of one kind, and what one of them looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cpose.datasets.synthetic.camera import VirtualCamera
from cpose.datasets.synthetic.light import Light
from cpose.datasets.synthetic.settings import RealismSettings


class PlacedCuboid(Protocol):
    """The annotated cuboid of one object in the world."""

    @property
    def dims(self) -> np.ndarray:
        """(3,) metres along its x, y, z."""

    @property
    def world_from_object(self) -> np.ndarray:
        """(3, 3) rotation."""

    @property
    def keypoints_world(self) -> np.ndarray:
        """(9, 3) centre and corners."""

    @property
    def outline_world(self) -> np.ndarray:
        """(N, 3) points whose convex hull contains what is drawn."""

    @property
    def level(self) -> float:
        """Metres from the plane up to its lowest corner."""

    @property
    def heights(self) -> tuple[float, float]:
        """Metres from the plane to its lowest and its highest corner."""


@dataclass(frozen=True)
class View:
    """What the look of an object depends on.

    Attributes:
        camera: The camera.
        light: The light.
        realism: How often effects are drawn.
        boxes: All annotated objects of the scene.
    """

    camera: VirtualCamera
    light: Light
    realism: RealismSettings
    boxes: Sequence[PlacedCuboid] = ()


class Painting(Protocol):
    """One object with all its colours; drawing it takes no random numbers."""

    def draw(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw the object on what is behind it, (H, W, 3) uint8 BGR, in place."""

    def draw_mirrored(self, image: np.ndarray, camera: VirtualCamera) -> None:
        """Draw what the plane mirrors of it if the plane is glossy, in place."""


class Form(Protocol):
    """One object of a shape, wherever it is put; the same at every scale."""

    @property
    def dims(self) -> np.ndarray:
        """(3,) extents of the annotated cuboid along its x, y, z, metres, as it is usual."""

    @property
    def outline(self) -> np.ndarray | None:
        """(N, 3) points whose convex hull is the silhouette, object frame, in units of the dims.

        Seen from anywhere; it decides visibility, shadow and collisions. None: the cuboid's.
        """

    @property
    def rest(self) -> np.ndarray | None:
        """(3, 3) rotation in which it rests on the plane before it is turned about the world's up.

        None: its y axis points up.
        """

    @property
    def carries(self) -> bool:
        """Whether another object may stand on it."""

    def paint(self, rng: np.random.Generator, box: PlacedCuboid, view: View) -> Painting:
        """Choose the looks of the object.

        Args:
            rng: The only source of randomness.
            box: Where it is; its dims may be larger or smaller than those of the form.
            view: Camera, light and the other objects.
        """


class Shape(Protocol):
    """A kind of objects, of the registry `SHAPES`."""

    @property
    def metainfo(self) -> Mapping[str, Any]:
        """``category``, ``symmetry`` and ``eval_num_symmetry`` of a data set of this shape."""

    @property
    def look_alikes(self) -> tuple[str, ...]:
        """Shapes and kinds of round solids that are no distractors, because they are too alike."""

    @property
    def is_labelled_by_view(self) -> bool:
        """Whether the axes are named by what is seen where nobody knows which way is up."""

    def sample(self, rng: np.random.Generator, realism: RealismSettings) -> Form:
        """Sample one object."""
