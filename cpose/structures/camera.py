"""Cameras: intrinsics and the two camera frames.

OpenCV frame (``cv``): x right, y down, z forward. Objectron frame (``gl``): the camera looks
along −z and the image is turned by a quarter, so that x_gl = y_cv, y_gl = x_cv, z_gl = −z_cv.

Its 4×4 projection matrix is turned too: the first row belongs to the image's y axis, the second one
to its x axis; it is multiplied with column vectors. Others write the matrix of OpenGL (x right, y
up), or either one transposed, for row vectors.
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


OBJECTRON_FROM_OPENGL = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""(3, 3), camera points."""


def pixel_projection(matrix: np.ndarray, image_wh: tuple[int, int]) -> np.ndarray | None:
    """Return (3, 3), pixels from OpenCV camera points, None for what is no Objectron projection.

    Args:
        matrix: (4, 4) of the quarter-turned camera.
        image_wh: Width and height, pixels.
    """
    width, height = image_wh
    pixels_from_ndc = np.array([[width / 2, 0, width / 2], [0, height / 2, height / 2], [0, 0, 1]])
    rows_uvw = matrix[[1, 0, 3], :3]
    projection = pixels_from_ndc @ rows_uvw @ GL_FROM_CV
    if matrix[[0, 1, 3], 3].any() or projection[2, 2] <= 0 or projection[2, :2].any():
        return None
    return projection / projection[2, 2]


def _objectron_from_opengl(matrix: np.ndarray) -> np.ndarray:
    """Return Objectron's matrix: its first row is minus the second one of OpenGL, in its axes."""
    turned = matrix.copy()
    turned[:, :3] = turned[:, :3] @ OBJECTRON_FROM_OPENGL.T
    turned[[0, 1]] = np.stack([-turned[1], turned[0]])
    return turned


PROJECTION_FORMS = {
    'transposed': lambda matrix: matrix.T,
    'opengl': _objectron_from_opengl,
    'opengl_transposed': lambda matrix: _objectron_from_opengl(matrix.T),
}
