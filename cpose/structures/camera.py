"""Cameras: intrinsics and the two camera frames.

OpenCV frame (``cv``): x right, y down, z forward. Objectron frame (``gl``): the camera looks
along −z and the image is turned by a quarter, so that x_gl = y_cv, y_gl = x_cv, z_gl = −z_cv.
"""

import numpy as np

GL_FROM_CV = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
"""(3, 3), a proper rotation and its own inverse, so it serves both directions."""


def gl_from_cv(points_cv: np.ndarray) -> np.ndarray:
    """Convert points (..., 3) from the OpenCV to the Objectron camera frame."""
    return np.asarray(points_cv) @ GL_FROM_CV


def cv_from_gl(points_gl: np.ndarray) -> np.ndarray:
    """Convert points (..., 3) from the Objectron to the OpenCV camera frame."""
    return np.asarray(points_gl) @ GL_FROM_CV


def intrinsic_matrix(fx: float, fy: float, cx: float, cy: float, skew: float = 0.0) -> np.ndarray:
    """Build the (3, 3) pinhole matrix from its entries, all in pixels."""
    return np.array([[fx, skew, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]], dtype=np.float64)


def guess_intrinsics(image_wh: tuple[int, int]) -> np.ndarray:
    """Guess the (3, 3) intrinsics of a phone-like camera from the image size alone.

    The focal length is 0.78 of the longer side (about 65° along it, as in Objectron, where
    600×800 images have 615 to 660 pixels), the principal point is the image centre.
    """
    width, height = image_wh
    focal = 0.78 * max(width, height)
    return intrinsic_matrix(focal, focal, width / 2, height / 2)
