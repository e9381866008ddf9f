"""Scenes of moving boxes with known poses, and what a network might find in their frames.

Letters: N objects.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial.transform import Rotation

from cpose.codecs.pnp import InFrontPnP
from cpose.codecs.symmetries import CuboidSymmetry
from cpose.geometry.pnp import solve_cuboid_pnp
from cpose.geometry.projection import project_points
from cpose.geometry.rotation import quaternion_from_matrix
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS, cuboid_keypoints
from cpose.structures.object_pose import ObjectPose, PoseResult, VideoFrame

IMAGE_WH, CAMERA, FPS = (640, 480), intrinsic_matrix(600, 600, 320, 240), 30.0
POINT_NOISE, DIMS_NOISE = 0.05, 0.08
"""Standard deviation of corners, in RMS distances from their mean, and of extents, as a share."""
MOTION_NOISE = 0.02
"""Standard deviation of predicted motions, in RMS distances of the corners from their mean."""
HIDDEN_FRAMES = 10
KEYPOINT_NUMBERS = np.repeat(np.arange(9.0)[:, None], 3, axis=1)


@dataclass(frozen=True)
class Scene:
    """A video of N boxes.

    Attributes:
        dims: (N, 3) extents, the height is 1.
        locate: Returns the centres (N, 3) at a time in seconds, OpenCV camera frame.
        turn: Returns N rotations at a time, camera from object.
        hides: Tells whether an object is hidden in a frame.
        frames: Number of frames.
    """

    dims: np.ndarray
    locate: Callable[[float], np.ndarray]
    turn: Callable[[float], Rotation]
    hides: Callable[[int, int], bool] = field(default=lambda frame, number: False)
    frames: int = 300

    def keypoints(self, frame: int) -> np.ndarray:
        """Return the true centre and corners (N, 9, 3) in a frame, OpenCV camera frame."""
        rotation = self.turn(frame / FPS).as_matrix()
        arms = cuboid_keypoints(self.dims) @ np.swapaxes(rotation, 1, 2)
        return arms + self.locate(frame / FPS)[:, None]


def make_scenes(count: int = 6, seed: int = 0) -> dict[str, Scene]:
    """Return the scenes by name.

    In the first nothing moves. In the second ten frames of every fifty are hidden, at other times
    for each object. In the third objects of a pair pass in front of each other, and both are hidden
    for ten frames then.
    """
    rng = np.random.default_rng(seed)
    dims = np.exp(rng.normal(0, 0.4, (count, 3)))
    dims[:, 1] = 1
    column = (np.arange(count) % 3 - 1) * 2.5
    start = np.stack([column, np.arange(count) // 3 * 2.2 - 1, rng.uniform(7, 10, count)], axis=1)
    yaw, phase = rng.uniform(0, 6, count), rng.uniform(0, 6, count)

    def turn(speed: float) -> Callable[[float], Rotation]:
        upright = Rotation.from_euler('x', 160, degrees=True)
        return lambda time: upright * Rotation.from_euler('y', (yaw + speed * time)[:, None])

    def sway(time: float) -> np.ndarray:
        angles = 1.2 * time + phase
        return start + np.stack([np.sin(angles), 0.3 * np.cos(angles), np.sin(angles / 2)], axis=1)

    pair = np.arange(count) // 2

    def cross(time: float) -> np.ndarray:
        side = np.where(np.arange(count) % 2, 1.0, -1.0)
        across = 2 * side * (1 - 2 * time / 10)
        return np.stack([across, pair * 2.2 - 2.2, 9 + side], axis=1)

    return {
        'nothing moves': Scene(dims, lambda time: start, turn(0)),
        'all move, hidden at times': Scene(
            dims,
            sway,
            turn(0.4),
            lambda frame, n: frame > 20 and (frame + 8 * n) % 50 < HIDDEN_FRAMES,
        ),
        'pairs cross, hidden there': Scene(
            dims, cross, turn(0.2), lambda frame, n: abs(frame - 150) <= HIDDEN_FRAMES // 2 - 1
        ),
    }


def find_objects(
    scene: Scene, frame: int, rng: np.random.Generator, reads_previous: bool = False
) -> tuple[PoseResult, dict[int, int]]:
    """Return what is found in a frame, and which object each result is, by its `id`.

    Corners and extents carry noise. A network of single images takes any of the four faces of a box
    as the front; one that reads the frame before keeps the front, and predicts motions.

    Args:
        scene: The video.
        frame: Number of the frame.
        rng: Of the noise.
        reads_previous: Which of the two networks it is.
    """
    poses, owners = [], {}
    for number, keypoints in enumerate(scene.keypoints(frame)):
        found = None
        if not scene.hides(frame, number):
            found = _find(keypoints, scene.dims[number], rng, reads_previous)
        if found is not None and reads_previous:
            before = scene.keypoints(frame - 1)[number]
            found = replace(found, extras=_find_motion(keypoints, before, rng))
        if found is not None:
            poses.append(found)
            owners[id(found)] = number
    return PoseResult('scene', IMAGE_WH, CAMERA, poses), owners


def frame_of(frame: int) -> VideoFrame:
    """Return the place of a frame."""
    return VideoFrame('scene', frame, frame / FPS, FPS)


def _find_motion(
    keypoints: np.ndarray, before: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the way back to the frame before, with noise, as the branches of motion give it."""
    now, then = (project_points(points, CAMERA)[1:] for points in (keypoints, before))
    noise = MOTION_NOISE * np.sqrt(now.var(axis=0).sum())
    centers = [(points.min(axis=0) + points.max(axis=0)) / 2 for points in (now, then)]
    return {
        'tracking': centers[1] - centers[0] + rng.normal(0, noise, 2),
        'tracking_hp': then - now + rng.normal(0, noise, (8, 2)),
    }


def _find(
    keypoints: np.ndarray, dims: np.ndarray, rng: np.random.Generator, keeps_front: bool
) -> ObjectPose | None:
    corners = project_points(keypoints, CAMERA)[1:]
    spread = np.sqrt(corners.var(axis=0).sum())
    corners = corners + rng.normal(0, POINT_NOISE * spread, (8, 2))
    guess = dims * np.exp(rng.normal(0, DIMS_NOISE, 3))
    guess[1] = 1
    solved = solve_cuboid_pnp(np.repeat(corners, 2, axis=0), guess, CAMERA, InFrontPnP()).pose
    if solved is None:
        return None
    equal, sizes = CuboidSymmetry().candidates(solved.keypoints_cv, guess)
    front = 0 if keeps_front else int(rng.integers(4))
    order, _ = CuboidSymmetry().candidates(KEYPOINT_NUMBERS, guess)
    sides = equal[front, 1:].T @ CORNER_SIGNS
    return ObjectPose(
        score=float(rng.uniform(0.4, 0.9)),
        label=0,
        bbox_image=np.concatenate([corners.min(axis=0), corners.max(axis=0)]),
        corners_image=corners[order[front, 1:, 0].astype(int) - 1],
        dims=sizes[front],
        location_cv=equal[front, 0],
        quaternion_xyzw=quaternion_from_matrix(sides / np.linalg.norm(sides, axis=0)),
        keypoints_cv=equal[front],
        keypoints_image=project_points(equal[front], CAMERA),
    )
