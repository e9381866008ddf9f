"""Pose of a cuboid from its corners in the image and its dimensions.

Points that cannot give a pose are answered with a reason, never with an exception or a guess.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from cpose.errors import check_shape
from cpose.geometry.projection import project_points, undistort_points
from cpose.geometry.rotation import quaternion_from_vector
from cpose.geometry.weighted_pnp import PoseVectors, refine_weighted
from cpose.structures.cuboid import CORNER_SIGNS, NUM_CORNERS

MIN_POINTS = 4
MIN_CORNERS_DIRECT = 6
"""Distinct corners that the direct linear transform needs for its eleven unknowns."""
MISSING_BELOW = -5000.0
"""Coordinates below stand for a missing point, as the decoder's −10000 does."""
MIN_WIDTH_RATIO = 1e-3
"""Points whose spread across a line is smaller than this part of the spread along are collinear."""
SAME_PLACE = 1e-2
"""Largest difference of two places that are the same ray of a lens, focal lengths."""
MAX_RELATIVE_ERROR = 0.3
"""Largest RMS reprojection error, in RMS distances of the points from their mean. Measured: corners
that are off by a tenth of that distance pass in 99 % of cases (docs/inference.md)."""

UNIT_CORNERS = CORNER_SIGNS / 2
CORNER_OF_POINT = np.repeat(np.arange(NUM_CORNERS), 2)

PoseSolver = Callable[..., PoseVectors]
"""From object points (P, 3), image points (P, 2), focal matrix (3, 3) and, where they are given,
standard deviations of the image points (P, 2) to a pose."""


@dataclass(frozen=True)
class CuboidPose:
    """Where a cuboid is.

    Attributes:
        location_cv: (3,) centre, unit of the dimensions, OpenCV camera frame.
        quaternion_xyzw: (4,) unit rotation, OpenCV camera from object, w ≥ 0.
        keypoints_cv: (9, 3) mean of the corners, then the corners, OpenCV camera frame.
        keypoints_image: (9, 2) mean of the projected corners, then these, image pixels.
        reprojection_error: RMS distance of the given points from these corners, image pixels;
            with standard deviations, points weigh by their inverse squares. A point where the lens
            shows nothing counts, too, unless it cannot show the corner of the pose either.
        relative_error: The same in RMS distances of the points from their mean.
    """

    location_cv: np.ndarray
    quaternion_xyzw: np.ndarray
    keypoints_cv: np.ndarray
    keypoints_image: np.ndarray
    reprojection_error: float
    relative_error: float


@dataclass(frozen=True)
class PnPResult:
    """A pose, or the reason why there is none."""

    pose: CuboidPose | None
    reason: str | None = None


def solve_iteratively(
    corners_object: np.ndarray, points_image: np.ndarray, camera: np.ndarray
) -> PoseVectors:
    """Minimise the reprojection error from a direct linear start (Levenberg-Marquardt).

    The start knows nothing of the camera's direction: with noisy points of small or far objects
    it may lead to a mirrored solution behind the camera. Source: TAO PyTorch 6.25.10 (iterative
    solver of OpenCV). Deviation: fewer than six distinct corners, for which TAO takes EPnP or
    leaves the start undetermined, go to `solve_in_front`.
    """
    if len(set(map(tuple, corners_object.tolist()))) < MIN_CORNERS_DIRECT:
        return solve_in_front(corners_object, points_image, camera)
    _, vector, location = cv2.solvePnP(
        corners_object, points_image, camera, None, flags=cv2.SOLVEPNP_ITERATIVE
    )
    return vector.ravel(), location.ravel()


def solve_in_front(
    corners_object: np.ndarray, points_image: np.ndarray, camera: np.ndarray
) -> PoseVectors:
    """Minimise the reprojection error from a global start in front of the camera.

    Source: Terzakis and Lourakis, "A Consistently Fast and Globally Optimal Solution to the
    Perspective-n-Point Problem" (ECCV 2020), then Levenberg-Marquardt.
    """
    _, vector, location = cv2.solvePnP(
        corners_object, points_image, camera, None, flags=cv2.SOLVEPNP_SQPNP
    )
    vector, location = cv2.solvePnPRefineLM(
        corners_object, points_image, camera, None, vector, location
    )
    return vector.ravel(), location.ravel()


def solve_weighted(
    corners_object: np.ndarray,
    points_image: np.ndarray,
    camera: np.ndarray,
    points_std: np.ndarray,
) -> PoseVectors:
    """Minimise the reprojection error in standard deviations, from the pose of `solve_in_front`."""
    start = solve_in_front(corners_object, points_image, camera)
    return refine_weighted(start, corners_object, points_image, points_std, camera)


def solve_cuboid_pnp(
    points_image: np.ndarray,
    dims: np.ndarray,
    intrinsics: np.ndarray,
    solver: PoseSolver = solve_iteratively,
    points_std: np.ndarray | None = None,
    distortion: np.ndarray | None = None,
    max_relative_error: float = MAX_RELATIVE_ERROR,
) -> PnPResult:
    """Find the pose with which a cuboid projects to the given corners.

    Args:
        points_image: (16, 2), image pixels; rows 2k and 2k + 1 are two estimates of corner k
            (displacement, heatmap), NaN where missing.
        dims: (3,), extents along x, y, z; the pose comes in their unit.
        intrinsics: (3, 3), pixels; the skew counts.
        solver: What minimises the reprojection error. The default follows TAO.
        points_std: (16, 2), standard deviations of the points in pixels along x and y, for a solver
            that weighs by them.
        distortion: Lens coefficients k1 k2 p1 p2 ... of the points; None for a pinhole.
        max_relative_error: Largest RMS reprojection error of a pose, in RMS distances of the points
            from their mean. Both are measured in the image as it is, distorted.

    Returns:
        The pose, or why there is none: camera or dimensions are not usable, fewer than four
        distinct corners are known, they lie on a line, a corner would be behind the camera, or no
        cuboid looks like the points.

    Raises:
        ValueError: If an argument has the wrong shape.
    """
    points = np.asarray(points_image, dtype=np.float64)
    dims = np.asarray(dims, dtype=np.float64)
    intrinsics = np.asarray(intrinsics, dtype=np.float64)
    check_shape('points_image', points, (2 * NUM_CORNERS, 2))
    check_shape('dims', dims, (3,))
    check_shape('intrinsics', intrinsics, (3, 3))
    straight = points
    if distortion is not None:
        straight = undistort_points(points, intrinsics, distortion)
    is_given = find_known(points)
    is_known = is_given & find_known(straight)
    straight, corners = straight[is_known], CORNER_OF_POINT[is_known]
    reason = _find_fault(straight, corners, dims, intrinsics)
    if reason:
        return PnPResult(None, reason)
    std = None if points_std is None else np.asarray(points_std, dtype=np.float64)
    weighing = () if std is None else (std[is_known],)
    try:
        vector, location = _solve(straight, corners, dims, intrinsics, solver, weighing)
    except cv2.error as error:
        return PnPResult(None, f'the solver failed: {error.err}')
    if not (np.isfinite(vector).all() and np.isfinite(location).all()):
        return PnPResult(None, 'the solver found no finite pose')
    corners_cv = (UNIT_CORNERS * dims) @ cv2.Rodrigues(vector)[0].T + location
    if min(location[2], corners_cv[:, 2].min()) <= 0:
        return PnPResult(None, 'the cuboid would be behind the camera')
    corners_image = project_points(corners_cv, intrinsics, distortion)
    if distortion is not None and (is_given & ~is_known).any():
        is_seen = _find_seen(corners_cv, corners_image, intrinsics, distortion)
        is_known |= is_given & is_seen[CORNER_OF_POINT]
    off = (corners_image[CORNER_OF_POINT] - points)[is_known]
    misfit = _weighted_rms(off, 1.0 if std is None else std[is_known])
    pose = CuboidPose(
        location_cv=location,
        quaternion_xyzw=quaternion_from_vector(vector),
        keypoints_cv=np.concatenate([corners_cv.mean(axis=0)[None], corners_cv]),
        keypoints_image=np.concatenate([corners_image.mean(axis=0)[None], corners_image]),
        reprojection_error=misfit,
        relative_error=misfit / spread_of_points(points[is_known]),
    )
    return refuse_misfit(PnPResult(pose), max_relative_error)


def _find_seen(
    corners_cv: np.ndarray,
    corners_image: np.ndarray,
    intrinsics: np.ndarray,
    distortion: np.ndarray,
) -> np.ndarray:
    """Return which corners (K, 3) the lens can show, (K,) bool.

    Far from its axis a lens model folds back, and shows what is there in places of other rays.
    """
    straight = project_points(corners_cv, intrinsics)
    undone = undistort_points(corners_image, intrinsics, distortion)
    limit = SAME_PLACE * min(intrinsics[0, 0], intrinsics[1, 1])
    return np.asarray(np.abs(undone - straight).max(axis=-1) < limit)


def refuse_misfit(result: PnPResult, max_relative_error: float) -> PnPResult:
    """Return the result, or none for a pose that is too far from its points."""
    if result.pose is None or result.pose.relative_error <= max_relative_error:
        return result
    return PnPResult(None, 'no cuboid of these dimensions looks like the points')


def spread_of_points(points: np.ndarray) -> float:
    """Return the RMS distance of points (P, 2) from their mean."""
    return _weighted_rms(points - points.mean(axis=0))


def _weighted_rms(vectors: np.ndarray, std: np.ndarray | float = 1.0) -> float:
    """Return the RMS length of vectors (P, 2), less of what is less sure; ``std`` is (P, 2)."""
    weights = np.broadcast_to(1 / np.square(std), vectors.shape)
    return float(np.sqrt(np.average(np.square(vectors), weights=weights) * 2))


def find_known(points_image: np.ndarray) -> np.ndarray:
    """Return which of the points (P, 2) are not missing, (P,) bool."""
    is_there = np.isfinite(points_image) & (points_image >= MISSING_BELOW)
    return np.asarray(np.logical_and.reduce(is_there, axis=1))


def _find_fault(
    points: np.ndarray, corners: np.ndarray, dims: np.ndarray, intrinsics: np.ndarray
) -> str | None:
    if not np.isfinite(intrinsics).all() or intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        return f'focal lengths {intrinsics[0, 0]:g}, {intrinsics[1, 1]:g} are not usable'
    if not np.isfinite(dims).all() or dims.min() <= 0:
        return f'dimensions {np.array2string(dims, precision=3)} are not positive'
    num_corners = len(set(corners.tolist()))
    if num_corners < MIN_POINTS:
        return f'only {num_corners} distinct corners of the {MIN_POINTS} needed'
    centred = points - points.mean(axis=0)
    (xx, xy), (_, yy) = centred.T @ centred
    mean, radius = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    if mean - radius <= MIN_WIDTH_RATIO**2 * (mean + radius):  # squared principal spreads
        return 'the points lie on a line'
    return None


def _solve(
    points: np.ndarray,
    corners: np.ndarray,
    dims: np.ndarray,
    intrinsics: np.ndarray,
    solver: PoseSolver,
    weighing: tuple[np.ndarray, ...],
) -> PoseVectors:
    straight, camera = _remove_skew(points, intrinsics)
    return solver((UNIT_CORNERS * dims)[corners], straight, camera, *weighing)


def _remove_skew(points: np.ndarray, intrinsics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points and camera without skew, which OpenCV's solvers leave out of account."""
    skew = intrinsics[0, 1]
    if skew == 0:
        return points, intrinsics
    shift = skew * (points[:, 1] - intrinsics[1, 2]) / intrinsics[1, 1]
    camera = intrinsics.copy()
    camera[0, 1] = 0.0
    return points - np.stack([shift, np.zeros_like(shift)], axis=1), camera
