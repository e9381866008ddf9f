"""What gives poses their size in metres: the contract; classes are registered in SCALE_SOURCES.

One picture does not tell how large things are. A source knows one length, or several, in metres,
and says which lengths of a posed cuboid, in the unit of the pose, they are. All else follows from
that: the factor, and how certain place and size are (`cpose.metric_scale.metric_poses`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from cpose.geometry.rotation import matrix_from_quaternion
from cpose.structures.object_pose import ObjectPose, PoseResult


class Cuboid(NamedTuple):
    """A posed cuboid in the unit of its pose.

    Attributes:
        rotation: (3, 3) OpenCV camera from object.
        location: (3,) centre, OpenCV camera frame.
        dims: (3,) extents along object x, y, z.
    """

    rotation: np.ndarray
    location: np.ndarray
    dims: np.ndarray

    @classmethod
    def of_pose(cls, pose: ObjectPose) -> 'Cuboid':
        """Return the cuboid of an object whose pose is known."""
        assert pose.quaternion_xyzw is not None
        assert pose.location_cv is not None
        return cls(matrix_from_quaternion(pose.quaternion_xyzw), pose.location_cv, pose.dims)

    @property
    def up(self) -> np.ndarray:
        """Return the direction of the y axis, (3,)."""
        return self.rotation[:, 1]

    @property
    def base(self) -> np.ndarray:
        """Return the middle of the lower face, (3,)."""
        return np.asarray(self.location - self.up * self.dims[1] / 2)


class KnownLength(NamedTuple):
    """A length in metres.

    Attributes:
        metres: How long it is.
        std: Standard deviation of that, metres.
        of: The same length of a cuboid in the unit of its pose; differentiable, above 0.
    """

    metres: float
    std: float
    of: Callable[[Cuboid], float]


class View(Protocol):
    """A picture, as the inferencer read it."""

    @property
    def name(self) -> str:
        """Name without ending, unique among all inputs; ``video/000012`` for frames."""

    @property
    def path(self) -> str:
        """File, or a text that tells which frame or array."""

    @property
    def image(self) -> np.ndarray:
        """(H, W, 3), BGR uint8."""


Found = Sequence[KnownLength] | str
"""Known lengths of an object, or why there is none."""


@runtime_checkable
class ScaleSource(Protocol):
    """What is registered in SCALE_SOURCES and named by the config key ``scale_source``.

    Its attribute ``dataset_meta`` is set to the meta information of the data set, tuples by label.

    Attributes:
        name: What results and JSON files call it.
    """

    name: str

    def find_lengths(self, result: PoseResult, view: View) -> Sequence[Found]:
        """Return what is known of each pose.

        Args:
            result: An image with its camera; all its poses are known. Lengths are in the unit of
                the model.
            view: The picture.

        Raises:
            DataError: If a file that belongs to the picture cannot be used.
        """
