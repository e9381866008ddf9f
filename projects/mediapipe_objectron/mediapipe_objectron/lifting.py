"""Extents of a box from its eight corners in the image, by linear algebra alone.

The corners are sums of a centre and three half edges. Projection is linear in these four vectors,
so that they are the null space of one matrix, up to their common scale. Nothing makes the edges
perpendicular: on noisy corners this is a start, which a fit of a cuboid must correct.

Source: Hou et al., "MobilePose: Real-Time Pose Estimation for Unseen Objects from Weak Shape
Supervision" (2020), section 3.3; Lepetit et al., "EPnP: An Accurate O(n) Solution to the PnP
Problem" (IJCV 2009), section 3.
"""

import numpy as np

from cpose.structures.cuboid import CORNER_SIGNS, NUM_CORNERS


def lift_corners(corners_image: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Return the box that projects best to eight corners, as a parallelepiped.

    Args:
        corners_image: (8, 2) pixels, order of `cpose.structures.cuboid`.
        intrinsics: (3, 3) pixels.

    Returns:
        (4, 3) centre, then half edges along x, y and z, OpenCV camera frame, centre in front of
        the camera; the unit of length is arbitrary.
    """
    weights = np.concatenate([np.ones((NUM_CORNERS, 1)), CORNER_SIGNS], axis=1)
    points = np.concatenate([corners_image, np.ones((NUM_CORNERS, 1))], axis=1)
    rays = points @ np.linalg.inv(intrinsics).T
    equations = np.zeros((NUM_CORNERS, 2, 4, 3))
    equations[:, [0, 1], :, [0, 1]] = weights
    equations[..., 2] = -rays[:, :2, None] * weights[:, None]
    _, _, right = np.linalg.svd(equations.reshape(2 * NUM_CORNERS, 12))
    vectors = right[-1].reshape(4, 3)
    return np.asarray(vectors if vectors[0, 2] > 0 else -vectors)


def lift_dims(corners_image: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Return the lengths (3,) of the edges of `lift_corners`, divided by that along y."""
    lengths = np.linalg.norm(lift_corners(corners_image, intrinsics)[1:], axis=1)
    return np.asarray(lengths / max(lengths[1], np.finfo(np.float64).tiny))
