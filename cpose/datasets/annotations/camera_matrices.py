"""The 4×4 projection matrix of annotation files, and the pixel projection that it means.

Objectron's camera is turned by a quarter: the first row belongs to the image's y axis, the second
one to its x axis, and points are multiplied from the right. Others write the matrix of OpenGL
(x right, y up), or either one transposed, for row vectors.
"""

import numpy as np

from cpose.structures.camera import GL_FROM_CV

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
