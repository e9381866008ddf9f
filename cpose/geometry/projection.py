"""From camera points to pixels and back, for pinhole cameras and for lenses with distortion.

Distortion coefficients have OpenCV's order k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4 [τx τy]]]].
Source: Hartley and Zisserman, "Multiple View Geometry", chapter 6; OpenCV's camera model.
"""

import cv2
import numpy as np

DISTORTION_LENGTHS = (4, 5, 8, 12, 14)
"""Numbers of coefficients that OpenCV's lens models have."""
MOST_COEFFICIENTS = max(DISTORTION_LENGTHS)
UNDISTORTION_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-6)
"""100 rounds or a change of 1e-6 pixels: OpenCV's own 5 rounds leave strong lenses wrong."""


def project_points(
    points_cv: np.ndarray, intrinsics: np.ndarray, distortion: np.ndarray | None = None
) -> np.ndarray:
    """Project camera points to image pixels.

    Args:
        points_cv: (..., 3), any unit, OpenCV camera frame, z > 0.
        intrinsics: (3, 3), pixels; the skew counts.
        distortion: Lens coefficients, as many as `DISTORTION_LENGTHS` says, or None for a pinhole.

    Returns:
        (..., 2), image pixels (u, v).
    """
    points = np.asarray(points_cv, dtype=np.float64)
    rays = points[..., :2] / points[..., 2:]
    if distortion is not None:
        rays = _distort(rays, distortion)
    return rays @ intrinsics[:2, :2].T + intrinsics[:2, 2]


def pad_distortion(distortion: np.ndarray | None) -> np.ndarray:
    """Return all coefficients (14,) of OpenCV's largest lens model, 0 where there are fewer."""
    padded = np.zeros(MOST_COEFFICIENTS)
    if distortion is not None:
        padded[: len(distortion)] = distortion
    return padded


def back_project_points(
    points_image: np.ndarray, depths: np.ndarray, intrinsics: np.ndarray
) -> np.ndarray:
    """Return the camera points that a pinhole projects to the given pixels.

    Args:
        points_image: (..., 2), image pixels.
        depths: (...), z of the points, any unit.
        intrinsics: (3, 3), pixels.

    Returns:
        (..., 3), OpenCV camera frame, unit of ``depths``.
    """
    rays = _rays(np.asarray(points_image, dtype=np.float64), intrinsics)
    ones = np.ones((*rays.shape[:-1], 1))
    return np.concatenate([rays, ones], axis=-1) * np.asarray(depths)[..., None]


def undistort_points(
    points_image: np.ndarray, intrinsics: np.ndarray, distortion: np.ndarray
) -> np.ndarray:
    """Return where a pinhole with the same intrinsics would have seen the points.

    Args:
        points_image: (..., 2), pixels of the distorted image; NaN is passed through.
        intrinsics: (3, 3), pixels.
        distortion: Lens coefficients as for `project_points`.

    Returns:
        (..., 2), pixels; NaN where the lens model has no such ray.
    """
    points = np.asarray(points_image, dtype=np.float64)
    flat = points.reshape(-1, 2)
    known = np.isfinite(flat).all(axis=1)
    result = np.full_like(flat, np.nan)
    if known.any():
        observed = _rays(flat[known], intrinsics)
        coefficients = np.asarray(distortion, dtype=np.float64).reshape(-1, 1)
        focal = np.diag([intrinsics[0, 0], intrinsics[1, 1], 1.0])
        scaled = observed * focal.diagonal()[:2]
        undone = cv2.undistortImagePoints(
            scaled.reshape(-1, 1, 2), focal, coefficients, None, UNDISTORTION_STOP
        )
        rays = undone.reshape(-1, 2) / focal.diagonal()[:2]
        rays[~_is_inverse(rays, observed, distortion)] = np.nan
        result[known] = rays @ intrinsics[:2, :2].T + intrinsics[:2, 2]
    return result.reshape(points.shape)


def _rays(points_image: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    return (points_image - intrinsics[:2, 2]) @ np.linalg.inv(intrinsics[:2, :2]).T


def _distort(rays: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    points = np.concatenate([rays, np.ones((*rays.shape[:-1], 1))], axis=-1).reshape(-1, 1, 3)
    coefficients = np.asarray(distortion, dtype=np.float64).reshape(-1, 1)
    moved, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), np.eye(3), coefficients)
    return moved.reshape(rays.shape)


def _is_inverse(rays: np.ndarray, observed: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """Tell where the iteration ended at a ray that the lens sends to the observed one."""
    finite = np.isfinite(rays).all(axis=-1)
    error = np.abs(_distort(np.where(finite[:, None], rays, 0), distortion) - observed).max(axis=-1)
    return finite & (error < 1e-4)
