"""Solve for a box that was clicked in several frames.

Source: bounded least squares, as in `cpose.annotation.cuboid_solver`, from boxes that single frames
tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import least_squares

from cpose.annotation.cuboid_problem import UNIT_CORNERS, CuboidProblem
from cpose.annotation.cuboid_solver import (
    MIN_CORNERS,
    MOST_DEVIATION,
    NAMES,
    CuboidSolution,
    solve_cuboid,
)
from cpose.annotation.video.joint_problem import POSE, BoxView, JointProblem
from cpose.geometry.projection import project_points
from cpose.structures.cuboid import cuboid_keypoints

MOST_STARTS = 5
NEAREST = 1e-3
"""Least distance of a placed box before a camera, of its distance."""


@dataclass(frozen=True)
class JointSolution:
    """A box in all frames.

    Attributes:
        poses_world: (4, 4) world from object, one or one for each view, unit of ``dims``.
        dims: (3,) extents along x, y, z, metres where the scale is known.
        scale: Units of ``dims`` per unit of the world.
        residual_px: RMS distance of the placed corners from those of the box, pixels.
        undetermined: Quantities that the views leave open.
        is_ambiguous: Whether a box of another direction explains the corners as well.
        state: Where the next search may start.
    """

    poses_world: Sequence[np.ndarray]
    dims: np.ndarray
    scale: float
    residual_px: float
    undetermined: tuple[str, ...]
    is_ambiguous: bool
    state: np.ndarray

    def seen(self, view: BoxView, world_from_object: np.ndarray) -> CuboidSolution:
        """Return the box with a pose (4, 4) as the camera of a view sees it."""
        cv_from_object = scaled(view.cv_from_world, self.scale) @ world_from_object
        rotation, location = cv_from_object[:3, :3], cv_from_object[:3, 3]
        keypoints_cv = cuboid_keypoints(self.dims) @ rotation.T + location
        return CuboidSolution(
            rotation=rotation,
            location_cv=location,
            dims=self.dims,
            intrinsics=view.intrinsics,
            keypoints_image=project_points(keypoints_cv, view.intrinsics, view.distortion),
            residual_px=self.residual_px,
            deviations={},
            undetermined=self.undetermined,
            is_ambiguous=self.is_ambiguous,
            state=self.state,
        )


def scaled(matrix: np.ndarray, scale: float) -> np.ndarray:
    """Return a transform (4, 4) in another unit."""
    changed = matrix.copy()
    changed[:3, 3] *= scale
    return changed


def solve_joint(
    problem: JointProblem, start: np.ndarray | None = None, is_whole: bool = True
) -> JointSolution | None:
    """Find the box that explains all placed corners best.

    Args:
        problem: What is known.
        start: State of an earlier solution with the same unknowns; others are not used.
        is_whole: Whether to search from single frames too. Without it, and with a usable start,
            only the nearest minimum is found, in a few milliseconds.

    Returns:
        The box; None if no frame has four corners and there is no usable start, or if no box in
        front of the cameras has them.
    """
    starts = []
    if start is not None and start.shape == (problem.num_free,) and np.isfinite(start).all():
        starts.append(start)
    found, is_ambiguous = _find_starts(problem) if is_whole or not starts else ([], False)
    results = [_descend(problem, item) for item in [*starts, *found]]
    sound = [(cost, state) for cost, state in results if _is_before(problem, state)]
    if not sound:
        return None
    _, best = min(sound, key=lambda item: item[0])
    return _describe(problem, best, is_ambiguous)


def _find_starts(problem: JointProblem) -> tuple[list[np.ndarray], bool]:
    """Return states near the minimum, and whether a single view leaves the direction open."""
    views = [view for view in problem.views if len(view.numbers) >= MIN_CORNERS]
    views = sorted(views, key=lambda view: -len(view.numbers))[:MOST_STARTS]
    seen = [(view, _solve_view(problem, view)) for view in views]
    solved = [(view, found) for view, found in seen if found is not None]
    if not solved:
        return [], False
    is_ambiguous = len(problem.views) == 1 and solved[0][1].is_ambiguous
    if problem.is_moved:
        return _start_of_moved(problem, [found for _, found in solved]), is_ambiguous
    return [_start_of_still(problem, view, found) for view, found in solved], is_ambiguous


def _solve_view(
    problem: JointProblem, view: BoxView, dims: np.ndarray | None = None
) -> CuboidSolution | None:
    """Return the box by one view alone."""
    up_world = None if problem.plane_world is None else problem.plane_world[1]
    is_level = problem.is_upright and up_world is not None and not problem.is_moved
    single = CuboidProblem(
        corners_image=view.corners_image,
        image_wh=view.image_wh,
        intrinsics=view.intrinsics,
        dims=problem.dims if dims is None else dims,
        distortion=view.distortion,
        is_upright=is_level,
        up_cv=view.cv_from_world[:3, :3] @ up_world if is_level else None,
        trust=view.trust,
    )
    return solve_cuboid(single)


def _start_of_still(problem: JointProblem, view: BoxView, found: CuboidSolution) -> np.ndarray:
    """Lift the box of one view into the world; its distance follows from ground or gaze."""
    rotation = view.cv_from_world[:3, :3].T @ found.rotation
    ray = view.cv_from_world[:3, :3].T @ found.location_cv
    is_sized = bool(np.isfinite(problem.dims).any())
    factor = 1.0
    if not (is_sized and problem.is_metric):
        factor = _distance_factor(problem, view, ray, rotation, found.dims)
    state = np.zeros(problem.num_free)
    state[:3] = cv2.Rodrigues(rotation)[0].ravel()
    state[3:POSE] = view.camera_world + factor * ray
    dims = found.dims if is_sized else factor * found.dims
    state[POSE : POSE + len(problem.free_axes)] = np.log(dims[problem.free_axes])
    if problem.is_scale_free:
        state[-1] = -np.log(factor)
    return state


def _distance_factor(
    problem: JointProblem, view: BoxView, ray: np.ndarray, rotation: np.ndarray, dims: np.ndarray
) -> float:
    """Return by how much a box of one view must grow, with its distance, to be in the world."""
    if problem.plane_world is not None and problem.is_upright:
        point, up_world = problem.plane_world
        lowest = float(((UNIT_CORNERS * dims) @ rotation.T @ up_world).min() + ray @ up_world)
        height = float((view.camera_world - point) @ up_world)
        if lowest < 0 < height:
            return height / -lowest
    expected = np.zeros(3) if problem.expected is None else problem.expected
    distance = float(np.linalg.norm(expected - view.camera_world))
    return (distance or 1.0) / float(np.linalg.norm(ray))


def _start_of_moved(problem: JointProblem, found: Sequence[CuboidSolution]) -> list[np.ndarray]:
    """Return poses of all views for the mean extents of those that tell them."""
    dims = np.exp(np.mean([np.log(item.dims) for item in found], axis=0))
    if problem.is_relative:
        dims = dims / dims[1]
    poses = [_solve_view(problem, view, dims) for view in problem.views]
    state = np.zeros(problem.num_free)
    for number, pose in enumerate(poses):
        if pose is None:
            return []
        state[POSE * number : POSE * number + POSE] = pose.state[:POSE]
    state[POSE * len(poses) :] = np.log(dims[problem.free_axes])
    return [state]


def _descend(problem: JointProblem, start: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the cost and the state of the minimum near a start."""
    cache: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}

    def linearise(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        key = state.tobytes()
        if key not in cache:
            cache.clear()
            cache[key] = problem.linearise(state)
        return cache[key]

    result = least_squares(
        lambda state: linearise(state)[0],
        start,
        jac=lambda state: linearise(state)[1],
        x_scale='jac',
        ftol=1e-6,
        xtol=1e-8,
        gtol=1e-8,
        max_nfev=60,
    )
    return float(result.cost), result.x


def _is_before(problem: JointProblem, state: np.ndarray) -> bool:
    """Tell whether the whole box is in front of the camera in all views."""
    return all(
        view.to_cv(problem.corners_world(state, number))[:, 2].min()
        > NEAREST * np.linalg.norm(problem.pose_of(state, number)[3:] - view.camera_world)
        for number, view in enumerate(problem.views)
    )


def _describe(problem: JointProblem, state: np.ndarray, is_ambiguous: bool) -> JointSolution:
    scale = problem.scale_of(state)
    poses, errors = [], []
    for number, view in enumerate(problem.views):
        pose = problem.pose_of(state, number)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = cv2.Rodrigues(pose[:3])[0], pose[3:] * scale
        poses.append(matrix)
        placed = view.trust[view.numbers] == 1
        pixels, _ = view.project(problem.corners_world(state, number)[view.numbers])
        errors.append(np.linalg.norm(pixels - view.points, axis=1)[placed])
    distances = np.concatenate(errors)
    return JointSolution(
        poses_world=poses if problem.is_moved else poses[:1],
        dims=problem.dims_of(state),
        scale=scale,
        residual_px=float(np.sqrt(np.square(distances).mean())) if len(distances) else 0.0,
        undetermined=_find_undetermined(problem, state),
        is_ambiguous=is_ambiguous,
        state=state,
    )


def _find_undetermined(problem: JointProblem, state: np.ndarray) -> tuple[str, ...]:
    """Return which extents the views leave open, for clicks of usual accuracy."""
    jacobian = problem.linearise(state)[1]
    spread = np.sqrt(np.maximum(np.linalg.pinv(jacobian.T @ jacobian).diagonal(), 0))
    first = POSE * problem.num_poses
    free = zip(problem.free_axes, spread[first:], strict=False)
    found = [NAMES[axis] for axis, value in free if value > MOST_DEVIATION['size']]
    if problem.is_scale_free and spread[-1] > MOST_DEVIATION['size']:
        found.append('scale')
    return tuple(found)
