"""Equivalent cuboids under rotations about their own up axis (object y).

Keypoints are the centre and the eight corners, (..., 9, 3), in any camera frame.
"""

import numpy as np

from cpose.structures.cuboid import CORNER_SIGNS


def up_axes(keypoints: np.ndarray) -> np.ndarray:
    """Return the unit up axis (..., 3) of cuboids (..., 9, 3), from lower to upper corners."""
    axis = CORNER_SIGNS[:, 1] @ np.asarray(keypoints, dtype=np.float64)[..., 1:, :]
    return axis / np.linalg.norm(axis, axis=-1, keepdims=True)


def full_turn(order: int) -> np.ndarray:
    """Return the (order,) angles 2πk/order, radians."""
    return 2 * np.pi * np.arange(order) / order


def rotate_about_up(keypoints: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotate cuboids rigidly about their own up axis.

    A positive angle is right-handed about the axis that points up. Extents stay the same.
    Source: Rodrigues' rotation formula.

    Args:
        keypoints: (..., 9, 3), any frame and unit.
        angles: (..., S), radians; leading axes broadcast against those of ``keypoints``.

    Returns:
        (..., S, 9, 3).
    """
    points = np.asarray(keypoints, dtype=np.float64)
    center = points[..., :1, :]
    arm = points - center
    axis = up_axes(points)[..., None, :]
    along = (arm * axis).sum(axis=-1, keepdims=True) * axis
    across = (arm - along)[..., None, :, :]
    sideways = np.cross(axis, arm)[..., None, :, :]
    angle = np.asarray(angles, dtype=np.float64)[..., None, None]
    fixed = (center + along)[..., None, :, :]
    return fixed + across * np.cos(angle) + sideways * np.sin(angle)


def quarter_turn_order(turns: int) -> np.ndarray:
    """Return which keypoint takes each place when the object's frame turns by quarter turns.

    The solid stays where it is; only its front is another face.

    Args:
        turns: Number of quarter turns about object y.

    Returns:
        (9,) indices into the keypoints; the centre stays first.
    """
    cos, sin = np.round([np.cos(np.pi / 2 * turns), np.sin(np.pi / 2 * turns)])
    turned = CORNER_SIGNS @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    source = (turned > 0) @ np.array([4, 2, 1]) + 1
    return np.concatenate([[0], source])


def relabel_cuboid(keypoints: np.ndarray, dims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Describe the same solids with each of their four upright faces as the front.

    Args:
        keypoints: (..., 9, 3), any frame and unit.
        dims: (..., 3) extents along object x, y, z.

    Returns:
        Keypoints (..., 4, 9, 3) and dims (..., 4, 3); x and z extents are exchanged in the
        second and the last.
    """
    order = np.stack([quarter_turn_order(turns) for turns in range(4)])
    axes = np.array([[0, 1, 2], [2, 1, 0], [0, 1, 2], [2, 1, 0]])
    return np.asarray(keypoints)[..., order, :], np.asarray(dims)[..., axes]
