"""Pose from points that are known with different certainty."""

import cv2
import numpy as np

PoseVectors = tuple[np.ndarray, np.ndarray]
"""Rotation vector (3,) and location (3,), OpenCV camera frame."""

MAX_STEPS = 30
START_DAMPING, MAX_DAMPING = 1e-3, 1e8
MIN_RELATIVE_GAIN = 1e-10
"""A step that lowers the error by less than this part of it is the last one."""
MIN_CURVATURE = 1e-12


def refine_weighted(
    start: PoseVectors,
    corners_object: np.ndarray,
    points_image: np.ndarray,
    points_std: np.ndarray,
    camera: np.ndarray,
) -> PoseVectors:
    """Minimise the reprojection error, in standard deviations of the points.

    Source: Hartley and Zisserman, "Multiple View Geometry", appendix 6 (Levenberg-Marquardt).

    Args:
        start: Pose to start from.
        corners_object: (P, 3), object frame.
        points_image: (P, 2), pixels.
        points_std: (P, 2), pixels, above 0, along x and y.
        camera: (3, 3), pixels, no skew.

    Returns:
        The pose of least error that was found, no worse than the start.
    """
    pose = np.concatenate([np.ravel(part) for part in start]).astype(np.float64)
    error, slope = _linearise(pose, corners_object, points_image, points_std, camera)
    damping = START_DAMPING
    for _ in range(MAX_STEPS):
        normal = slope.T @ slope
        damped = normal + np.diag(damping * np.diag(normal) + MIN_CURVATURE)
        trial = pose - np.linalg.solve(damped, slope.T @ error)
        new_error, new_slope = _linearise(trial, corners_object, points_image, points_std, camera)
        gain = error @ error - new_error @ new_error
        if gain > 0:
            is_last = gain <= MIN_RELATIVE_GAIN * (error @ error)
            pose, error, slope = trial, new_error, new_slope
            damping /= 10
            if is_last:
                break
        else:
            damping *= 10
            if damping > MAX_DAMPING:
                break
    return pose[:3], pose[3:]


def _linearise(
    pose: np.ndarray,
    corners_object: np.ndarray,
    points_image: np.ndarray,
    points_std: np.ndarray,
    camera: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors (2P,) in standard deviations and their derivatives (2P, 6)."""
    projected, slope = cv2.projectPoints(corners_object, pose[:3], pose[3:], camera, None)
    error = (projected.reshape(-1, 2) - points_image) / points_std
    return error.ravel(), slope[:, :6] / points_std.reshape(-1, 1)
