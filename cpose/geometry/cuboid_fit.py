"""Pose and proportions of a cuboid together, from its corners in the image.

Even a camera without perspective sees the proportions of a box: three projected edges are six
numbers, as many as a rotation, a size and two proportions. Letters: P points.
"""

import cv2
import numpy as np

from cpose.geometry.projection import project_points
from cpose.structures.cuboid import CORNER_SIGNS

ITERATIONS = 12
CONVERGED = 1e-3
"""Relative decrease of the cost at which the iteration ends."""
FIRST_DAMPING = 1e-2
ROBUST_AT = 2.0
"""Residuals beyond this many standard deviations count linearly."""


State = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rotation (3, 3), location (3,), and (2,) changes of the logarithms of width and depth."""
Problem = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float, float]
"""Corners (P, 3) of the unit cube, their points (P, 2), predicted extents (3,), intrinsics (3, 3),
and both standard deviations."""


def fit_cuboid_dims(
    corners: np.ndarray,
    points_image: np.ndarray,
    dims: np.ndarray,
    camera_from_object: tuple[np.ndarray, np.ndarray],
    intrinsics: np.ndarray,
    point_sigma: float,
    dims_sigma: float,
) -> np.ndarray:
    """Return the proportions with which a cuboid explains its corners and its predicted extents.

    Minimises the squared reprojection errors in units of ``point_sigma`` plus the squared
    logarithmic changes of width and depth in units of ``dims_sigma``, over pose, width and depth
    (Levenberg-Marquardt, points far off count linearly). The height keeps its value: the image
    does not tell the size.

    Args:
        corners: (P,) number of the corner, 0 to 7, of each point.
        points_image: (P, 2) image pixels without lens distortion.
        dims: (3,) predicted extents.
        camera_from_object: Rotation (3, 3) and location (3,), OpenCV camera frame, to start from.
        intrinsics: (3, 3) pixels.
        point_sigma: Standard deviation of a point, pixels.
        dims_sigma: Standard deviation of the logarithm of width and depth.

    Returns:
        (3,) extents in the unit of ``dims``.
    """
    state: State = (*camera_from_object, np.zeros(2))
    problem: Problem = (
        CORNER_SIGNS[corners] / 2,
        points_image,
        dims,
        intrinsics,
        point_sigma,
        dims_sigma,
    )
    residuals, jacobian = _linearise(state, problem)
    cost, damping = np.square(residuals).sum(), FIRST_DAMPING
    for _ in range(ITERATIONS):
        normal = jacobian.T @ jacobian
        normal[np.diag_indices(8)] *= 1 + damping
        moved = _move(state, np.linalg.solve(normal, -jacobian.T @ residuals))
        if _depths(moved, problem).min() <= 0:
            damping *= 10
            continue
        new_residuals, new_jacobian = _linearise(moved, problem)
        new_cost = np.square(new_residuals).sum()
        if new_cost >= cost:
            damping *= 10
            continue
        is_converged = cost - new_cost < CONVERGED * cost
        state, residuals, jacobian, cost = moved, new_residuals, new_jacobian, new_cost
        damping /= 10
        if is_converged:
            break
    return _scaled(dims, state[2])


def _scaled(dims: np.ndarray, change: np.ndarray) -> np.ndarray:
    return np.asarray(dims * np.exp([change[0], 0.0, change[1]]))


def _move(state: State, step: np.ndarray) -> State:
    rotation, location, change = state
    return cv2.Rodrigues(step[:3])[0] @ rotation, location + step[3:6], change + step[6:]


def _depths(state: State, problem: Problem) -> np.ndarray:
    turned = (problem[0] * _scaled(problem[2], state[2])) @ state[0].T
    return np.asarray(turned[:, 2] + state[1][2])


def _linearise(state: State, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return residuals (2P + 2,) and their derivatives (2P + 2, 8) by turn, shift and change."""
    rotation, location, change = state
    unit, points, dims, intrinsics, sigma, dims_sigma = problem
    corners = unit * _scaled(dims, change)
    turned = corners @ rotation.T
    points_cv = turned + location
    error = (project_points(points_cv, intrinsics) - points) / sigma
    weight = np.sqrt(np.minimum(1, ROBUST_AT / np.maximum(np.linalg.norm(error, axis=1), 1e-9)))
    by_point = np.zeros((len(unit), 3, 8))
    by_point[:, [1, 2, 0], [0, 1, 2]] = -turned[:, [2, 0, 1]]
    by_point[:, [2, 0, 1], [0, 1, 2]] = turned[:, [1, 2, 0]]
    by_point[:, [0, 1, 2], [3, 4, 5]] = 1
    by_point[:, :, 6] = corners[:, :1] * rotation[:, 0]
    by_point[:, :, 7] = corners[:, 2:] * rotation[:, 2]
    depth = points_cv[:, 2:]
    by_pixel = intrinsics[:2] / depth[..., None]
    by_pixel[:, :, 2] = -(points_cv[:, :2] @ intrinsics[:2, :2].T) / depth**2
    jacobian = (by_pixel @ by_point) * (weight / sigma)[:, None, None]
    prior = np.zeros((2, 8))
    prior[[0, 1], [6, 7]] = 1 / dims_sigma
    residuals = np.concatenate([(error * weight[:, None]).ravel(), change / dims_sigma])
    return residuals, np.concatenate([jacobian.reshape(-1, 8), prior])
