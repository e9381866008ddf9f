"""The geometry of one annotation file as it is written. Letters: N objects."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class AnnotationFields:
    """The geometry of one file as it is written; NaN where an object lacks a field.

    Attributes:
        image_wh: Width and height, pixels.
        intrinsics: (4,) fx, fy, cx, cy in pixels, or None.
        projection_matrix: (4, 4) of the field ``camera_projection_matrix``, or None.
        distortion: Lens coefficients k1 k2 p1 p2 ... of the pixels, or None.
        plane: (2, 3) a point and the normal of the ground, or None.
        projected_cuboid: (N, 9, 2).
        keypoints_3d: (N, 9, 3).
        location: (N, 3).
        quaternion: (N, 4).
        scale: (N, 3).
        visibility: (N,), 1 where it is not given.
    """

    image_wh: tuple[int, int]
    intrinsics: np.ndarray | None
    projection_matrix: np.ndarray | None
    distortion: np.ndarray | None
    plane: np.ndarray | None
    projected_cuboid: np.ndarray
    keypoints_3d: np.ndarray
    location: np.ndarray
    quaternion: np.ndarray
    scale: np.ndarray
    visibility: np.ndarray

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.scale)

    def select(self, rows: np.ndarray) -> 'AnnotationFields':
        """Return the file with the chosen objects only."""
        return replace(self, **{name: getattr(self, name)[rows] for name in OBJECT_ARRAYS})


OBJECT_ARRAYS = (
    *('projected_cuboid', 'keypoints_3d', 'location', 'quaternion', 'scale', 'visibility'),
)
