"""Annotations from poses: sizes, rotations and locations instead of keypoints."""

from collections.abc import Mapping

import numpy as np

from cpose.errors import check_shape
from cpose.geometry.projection import project_points
from cpose.structures.camera import gl_from_cv
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.pose_data_sample import CuboidTruth


def annotate_poses(
    labels: np.ndarray,
    camera_from_object: np.ndarray,
    dims_metric: np.ndarray,
    projection: np.ndarray,
    visibility: np.ndarray | None = None,
    symmetric: np.ndarray | None = None,
    extras: Mapping[str, np.ndarray] | None = None,
) -> CuboidTruth:
    """Return the annotation of posed cuboids. Letters: N objects.

    Args:
        labels: (N,) category numbers.
        camera_from_object: (N, 4, 4) rigid, metres, from the frame of the object (y up, z to its
            front, origin in the middle of the cuboid) to the OpenCV camera frame.
        dims_metric: (N, 3) extents along object x, y, z, metres.
        projection: (3, 3) from OpenCV camera points to pixels, without distortion.
        visibility: (N,) 0 to 1; None for 1.
        symmetric: See `CuboidTruth`.
        extras: See `CuboidTruth`.

    Raises:
        ValueError: If a shape does not fit.
    """
    count = len(labels)
    check_shape('camera_from_object', camera_from_object, (count, 4, 4))
    check_shape('dims_metric', dims_metric, (count, 3))
    check_shape('projection', projection, (3, 3))
    rotation, location = camera_from_object[:, :3, :3], camera_from_object[:, None, :3, 3]
    keypoints_cv = cuboid_keypoints(dims_metric) @ rotation.transpose(0, 2, 1) + location
    return CuboidTruth(
        labels=np.asarray(labels, dtype=np.int64),
        keypoints_gl=gl_from_cv(keypoints_cv),
        keypoints_image=project_points(keypoints_cv, projection),
        dims_metric=np.asarray(dims_metric, dtype=np.float64),
        visibility=np.ones(count) if visibility is None else visibility,
        symmetric=symmetric,
        extras=extras or {},
    )
