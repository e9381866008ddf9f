"""Find a box that was lost among what a model proposes."""

from typing import Any

import numpy as np

from cpose.annotation.cuboid_problem import CuboidProblem
from cpose.annotation.cuboid_solver import CuboidSolution, solve_cuboid
from cpose.annotation.video.motion import Frame
from cpose.geometry.symmetry import quarter_turn_order

MOST_MISFIT = 0.08
"""Residual of a proposal for a box of the known extents, diagonals of the proposal."""
MISFIT_WEIGHT = 10.0
"""Radians of a turn that count as much as a residual of one diagonal."""


def find_among(
    proposals: list[dict[str, Any]],
    frame: Frame,
    image_wh: tuple[int, int],
    dims: np.ndarray,
    last: np.ndarray,
) -> np.ndarray | None:
    """Return the pose (4, 4) of a box of known extents that a proposal shows.

    A model may take another side for the front, so each proposal counts with its four labellings:
    the one is taken that fits and is turned little against the last pose.

    Args:
        proposals: What the model finds in the frame.
        frame: Its camera.
        image_wh: Width and height, pixels.
        dims: (3,) extents.
        last: (4, 4) OpenCV camera from object, where the box was seen last.

    Returns:
        None if no proposal fits.
    """
    fitting = []
    for item in proposals:
        corners = np.array(item['corners'], dtype=np.float64)
        diagonal = float(np.linalg.norm(np.ptp(corners, axis=0)))
        for turns in range(4):
            turned = corners[quarter_turn_order(turns)[1:] - 1]
            found = solve_cuboid(
                CuboidProblem(turned, image_wh, frame.intrinsics, dims, frame.distortion)
            )
            if found is not None and found.residual_px < MOST_MISFIT * diagonal:
                turn = np.trace(found.rotation.T @ last[:3, :3])
                angle = float(np.arccos(np.clip((turn - 1) / 2, -1, 1)))
                fitting.append((angle + MISFIT_WEIGHT * found.residual_px / diagonal, found))
    if not fitting:
        return None
    return _matrix(min(fitting, key=lambda pair: pair[0])[1])


def _matrix(found: CuboidSolution) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = found.rotation, found.location_cv
    return matrix
