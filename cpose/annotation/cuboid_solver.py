"""A rigid box from the corners that somebody placed: pose, unknown extents, focal length.

Source: bounded least squares (Branch, Coleman and Li, "A Subspace, Interior, and Conjugate Gradient
Method for Large-Scale Bound-Constrained Minimization Problems", 1999; SciPy's ``least_squares``)
from the poses of a solver of the perspective-n-point problem over assumed extents and focal
lengths.
"""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from scipy.optimize import OptimizeResult, least_squares

from cpose.annotation.cuboid_problem import FIRST_FREE, UNIT_CORNERS, CuboidProblem
from cpose.geometry.projection import project_points, undistort_points
from cpose.geometry.rotation import quaternion_from_matrix
from cpose.structures.camera import gl_from_cv
from cpose.structures.cuboid import cuboid_keypoints

MIN_CORNERS = 4
RATIOS = (0.35, 0.8, 1.8)
"""Assumed extents, in the known ones."""
FOCALS = (0.75, 1.0, 1.8, 4.0)
"""Assumed focal lengths, in that of a phone."""
MOST_STARTS = 8
SAME_COST = 2.0
"""Difference of the halved squared residuals below which two boxes explain the corners alike."""
SAME_TURN = np.radians(8.0)
NAMES = ('width', 'height', 'depth')
MOST_DEVIATION = {'size': 0.06, 'focal length': 0.12, 'rotation': np.radians(4.0)}
"""Standard deviations from which a quantity counts as undetermined; relative, but for radians."""


@dataclass(frozen=True)
class CuboidSolution:
    """A posed box.

    Attributes:
        rotation: (3, 3) OpenCV camera from object.
        location_cv: (3,) centre, unit of ``dims``, OpenCV camera frame.
        dims: (3,) extents along x, y, z; relative to the height where none is known.
        intrinsics: (3, 3) pixels.
        keypoints_image: (9, 2) projected centre and corners, pixels.
        residual_px: RMS distance of the placed corners from those of the box, pixels.
        deviations: Standard deviations by quantity: ``width``, ``height``, ``depth`` and ``focal
            length`` of the logarithm, ``rotation`` in radians; what is known is left out.
        undetermined: The quantities that the view leaves open.
        is_ambiguous: Whether a box of another direction explains the corners as well; known only
            where the search was whole.
        state: Where the next search may start, see `solve_cuboid`.
        suspect: Number of the placed corner without which the others fit, None if there is none, or
            nobody looked for it.
    """

    rotation: np.ndarray
    location_cv: np.ndarray
    dims: np.ndarray
    intrinsics: np.ndarray
    keypoints_image: np.ndarray
    residual_px: float
    deviations: dict[str, float]
    undetermined: tuple[str, ...]
    is_ambiguous: bool
    state: np.ndarray
    suspect: int | None = None

    @property
    def keypoints_gl(self) -> np.ndarray:
        """Return (9, 3) centre and corners, Objectron camera frame, unit of ``dims``."""
        turned = cuboid_keypoints(self.dims) @ self.rotation.T + self.location_cv
        return np.asarray(gl_from_cv(turned))

    @property
    def quaternion_xyzw(self) -> np.ndarray:
        """Return (4,) the rotation, OpenCV camera from object."""
        return quaternion_from_matrix(self.rotation)


def solve_cuboid(
    problem: CuboidProblem, start: np.ndarray | None = None, is_whole: bool = True
) -> CuboidSolution | None:
    """Find the box that explains the placed corners best.

    Args:
        problem: What is known.
        start: State of an earlier solution with the same unknowns; others are not used.
        is_whole: Whether to search from many starts too. Without it, and with a usable start, only
            the nearest minimum is found, in a few milliseconds.

    Returns:
        The box, None for fewer than four corners, corners on a line or at one place, or if no box
        in front of the camera has them.
    """
    if len(problem.numbers) < MIN_CORNERS or _is_line(problem.points):
        return None
    starts = [start] if start is not None and _is_usable(problem, start) else []
    if is_whole or not starts:
        starts += find_starts(problem)
    found = [_descend(problem, item) for item in starts]
    before = sorted((item for item in found if _is_before(problem, item.x)), key=_cost)
    if not before:
        return None
    rotations = [cv2.Rodrigues(item.x[:3])[0] for item in before]
    rivals = (
        _angle(rotations[0], rotation) > SAME_TURN
        for item, rotation in zip(before, rotations, strict=True)
        if item.cost < before[0].cost + SAME_COST
    )
    return _describe(problem, before[0].x, any(rivals))


def find_starts(problem: CuboidProblem) -> list[np.ndarray]:
    """Return states near minima, the best first: poses for assumed extents and focal lengths."""
    scales = product(RATIOS, repeat=len(problem.free_axes))
    focals = FOCALS if problem.is_focal_free else (1.0,)
    scored: list[tuple[float, int, np.ndarray]] = []
    for ratios, focal in product(list(scales), focals):
        free = [*np.log(np.multiply(ratios, problem.unit)), np.log(focal)]
        state = np.zeros(problem.num_free)
        state[FIRST_FREE:] = free[: problem.num_free - FIRST_FREE]
        state[:FIRST_FREE] = _pose(problem, state)
        if not np.isfinite(state).all() or state[5] <= 0:
            continue
        scored.append((float(np.square(problem.linearise(state)[0]).sum()), len(scored), state))
    scored.sort()
    return _differing([state for _, _, state in scored])


def _differing(states: list[np.ndarray]) -> list[np.ndarray]:
    """Return the first states, of those with almost the same rotation two at most."""
    kept: list[np.ndarray] = []
    rotations: list[np.ndarray] = []
    for state in states:
        rotation = cv2.Rodrigues(state[:3])[0]
        if sum(_angle(rotation, other) < SAME_TURN for other in rotations) < 2:
            kept.append(state)
            rotations.append(rotation)
        if len(kept) == MOST_STARTS:
            break
    return kept


def _pose(problem: CuboidProblem, state: np.ndarray) -> np.ndarray:
    """Return rotation vector and location (6,) for assumed extents and focal length, else NaN."""
    camera = problem.camera_of(state)
    corners = UNIT_CORNERS[problem.numbers] * problem.dims_of(state)
    points = problem.points
    if problem.distortion is not None:
        points = undistort_points(points, camera, problem.distortion)
    try:
        is_found, vector, location = cv2.solvePnP(
            corners, points, camera, None, flags=cv2.SOLVEPNP_SQPNP
        )
    except cv2.error:
        is_found = False
    return np.concatenate([vector, location]).ravel() if is_found else np.full(6, np.nan)


def _descend(problem: CuboidProblem, start: np.ndarray) -> OptimizeResult:
    """Return SciPy's result from one start."""
    low, high = problem.bounds()
    inside = np.clip(start, low + 1e-6, high - 1e-6)
    cache: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}

    def linearise(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        key = state.tobytes()
        if key not in cache:
            cache.clear()
            cache[key] = problem.linearise(state)
        return cache[key]

    return least_squares(
        lambda state: linearise(state)[0],
        inside,
        jac=lambda state: linearise(state)[1],
        bounds=(low, high),
        x_scale='jac',
        ftol=1e-5,
        xtol=1e-7,
        gtol=1e-6,
        max_nfev=40,
    )


def _cost(result: OptimizeResult) -> float:
    return float(result.cost)


def _is_before(problem: CuboidProblem, state: np.ndarray) -> bool:
    """Tell whether the whole box is in front of the camera."""
    depths = (UNIT_CORNERS * problem.dims_of(state)) @ cv2.Rodrigues(state[:3])[0][2] + state[5]
    return bool(depths.min() > 0)


def _describe(problem: CuboidProblem, state: np.ndarray, is_ambiguous: bool) -> CuboidSolution:
    dims, camera = problem.dims_of(state), problem.camera_of(state)
    rotation, location = cv2.Rodrigues(state[:3])[0], state[3:6]
    keypoints_cv = cuboid_keypoints(dims) @ rotation.T + location
    keypoints_image = project_points(keypoints_cv, camera, problem.distortion)
    distances = np.linalg.norm(keypoints_image[1 + problem.numbers] - problem.points, axis=1)
    deviations = _deviations(problem, state)
    names = {key: 'size' if key in NAMES else key for key in deviations}
    return CuboidSolution(
        rotation=rotation,
        location_cv=location,
        dims=dims,
        intrinsics=camera,
        keypoints_image=keypoints_image,
        residual_px=float(np.sqrt(np.square(distances).mean())),
        deviations=deviations,
        undetermined=tuple(
            key for key, value in deviations.items() if value > MOST_DEVIATION[names[key]]
        ),
        is_ambiguous=is_ambiguous,
        state=_canonical(state),
    )


def _deviations(problem: CuboidProblem, state: np.ndarray) -> dict[str, float]:
    """Return standard deviations by the curvature at the minimum, for clicks of usual accuracy."""
    jacobian = problem.linearise(state)[1]
    covariance = np.linalg.pinv(jacobian.T @ jacobian)
    spread = np.sqrt(np.maximum(covariance.diagonal(), 0))
    found = {NAMES[axis]: spread[k] for k, axis in enumerate(problem.free_axes, FIRST_FREE)}
    if problem.is_focal_free:
        found['focal length'] = spread[-1]
    found['rotation'] = np.sqrt(np.linalg.eigvalsh(covariance[:3, :3])[-1])
    return {name: float(value) for name, value in found.items()}


def _canonical(state: np.ndarray) -> np.ndarray:
    """Return the state with the shortest rotation vector."""
    short = state.copy()
    short[:3] = cv2.Rodrigues(cv2.Rodrigues(state[:3])[0])[0].ravel()
    return short


def _is_usable(problem: CuboidProblem, state: np.ndarray) -> bool:
    return state.shape == (problem.num_free,) and bool(np.isfinite(state).all())


def _is_line(points: np.ndarray) -> bool:
    """Tell whether points (P, 2) lie on a line or at one place."""
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] <= max(1e-3 * spread[0], 1e-6))


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.arccos(np.clip((np.trace(first.T @ second) - 1) / 2, -1, 1)))
