"""Stable poses and numbers of objects over the frames of a video."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cpose.codecs.symmetries import NoSymmetry
from cpose.errors import check_number
from cpose.geometry.assignment import NEVER, assign
from cpose.geometry.cuboid_pose import Measurement, measure, pose_keypoints
from cpose.geometry.projection import project_points
from cpose.registry import SYMMETRIES, TRACKERS
from cpose.structures.object_pose import ObjectPose, PoseResult, Track, VideoFrame
from cpose.tracking.association import pair_cost
from cpose.tracking.base import keep_above
from cpose.tracking.measuring import (
    Labellings,
    choose_labelling,
    list_labellings,
)
from cpose.tracking.pose_filter import PoseFilter
from cpose.tracking.smoothing import FixedLagSmoother, Moment, States

ONE_LABELLING = list_labellings(NoSymmetry())
NEAREST = 0.05
"""Smallest depth at which a cuboid can be projected, object heights."""


@dataclass
class _Life:
    """What is known of a track beside its pose."""

    name: int
    """Unique among all tracks of the video, shown or not."""
    label: int
    category: str | None
    trail: np.ndarray
    """(K, 2) centres in the image."""
    number: int = 0
    """0 until it is shown."""
    frames: int = 0
    lost: int = 0
    """Frames since it was found."""
    earlier: tuple[tuple[VideoFrame, ObjectPose], ...] = ()
    """What was found before it is shown."""


@TRACKERS.register_module()
class PoseTracker:
    """Follow the objects of any single-image model and smooth their poses.

    Objects of a frame go to tracks of their category at the least total cost of distance and size
    (`cpose.tracking.association`). Each track is a Kalman filter with constant velocity and
    constant extents (`PoseFilter`), whose measurement noise comes from the predicted standard
    deviations of corners and extents, or from ``point_sigma``, ``misfit_factor`` and
    ``dims_sigma``. Of equivalent labellings of a symmetric object that which suits the track is
    taken, so poses do not jump.

    A track begins with an object that suits none and has a score above `score_thr`, and is shown
    from its ``min_frames``-th frame on, or at once while the video is younger. It ends when it was
    not found in ``max_lost`` frames. Objects without a pose are matched too, and are then shown
    with the expected one.

    Args:
        min_frames: In how many frames an object must have been found to be shown.
        max_lost: Frames that an object may be hidden; its number stays the same.
        max_cost: Largest cost of a pair of object and track; it doubles while one is hidden.
        show_hidden: Whether to show objects that are hidden, at the pose that is expected.
        acceleration: How much velocities change in a second, object heights/s.
        angular_acceleration: The same for rotations, radians/s.
        dims_drift: How much the logarithm of an extent may change in a second.
        point_sigma: Standard deviation of corners, as a share of their RMS distance from the mean.
        dims_sigma: Standard deviation of extents, as a share of them.
        misfit_factor: Corners are the less certain the worse they fit their pose, and the lower its
            score; see `measure`. It stands for errors that stay over several frames, too.
        keep_share: Objects of a track need only this share of the score that others need.
        trail: Frames in the trail of a track.
        lag: Frames that are waited for, so that poses are smoothed in both directions; 0 for none.

    Attributes:
        dataset_meta: Meta information of the data set, whose symmetries are used; None for none.
        score_thr: Score above which an object begins a track.

    Raises:
        ConfigError: If a number is out of range.
    """

    def __init__(
        self,
        min_frames: int = 3,
        max_lost: int = 15,
        max_cost: float = 0.8,
        show_hidden: bool = False,
        acceleration: float = 2.0,
        angular_acceleration: float = 2.0,
        dims_drift: float = 0.01,
        point_sigma: float = 0.05,
        dims_sigma: float = 0.15,
        misfit_factor: float = 4.0,
        keep_share: float = 0.5,
        trail: int = 30,
        lag: int = 0,
    ) -> None:
        check_number('min_frames', min_frames, least=1, is_whole=True)
        check_number('max_lost', max_lost, least=0, is_whole=True)
        check_number('trail', trail, least=1, is_whole=True)
        check_number('lag', lag, least=0, is_whole=True)
        check_number('keep_share', keep_share, least=0.0, most=1.0)
        positive = {
            'max_cost': max_cost,
            'acceleration': acceleration,
            'angular_acceleration': angular_acceleration,
            'dims_drift': dims_drift,
            'point_sigma': point_sigma,
            'dims_sigma': dims_sigma,
        }
        for name, value in positive.items():
            check_number(name, value, above=0.0)
        check_number('misfit_factor', misfit_factor, least=0.0)
        self.min_frames, self.max_lost, self.max_cost = min_frames, max_lost, max_cost
        self.keep_share, self.score_thr = keep_share, 0.0
        self.show_hidden, self.trail, self.lag = show_hidden, trail, lag
        self._sigmas = point_sigma, dims_sigma, misfit_factor
        self._motion = acceleration, angular_acceleration, dims_drift
        self.dataset_meta: Mapping[str, Any] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all tracks; numbers begin at 1 again."""
        symmetries = (self.dataset_meta or {}).get('symmetry', ())
        self._labellings = [
            list_labellings(SYMMETRIES.build(dict(config))) for config in symmetries
        ]
        self._filter = PoseFilter(*self._motion)
        self._lives: list[_Life] = []
        self._smoother = FixedLagSmoother(self.lag)
        self._last: VideoFrame | None = None
        self._frames = self._numbers = self._born = 0
        self._names: dict[int, int] = {}

    def update(self, result: PoseResult, frame: VideoFrame) -> PoseResult:
        """Return the poses of a frame with their tracks; see `Tracker.update`.

        Without a camera nothing is tracked.
        """
        if result.intrinsics is None:
            return keep_above(result, self.score_thr)
        passed, corners = self._advance(frame)
        before = self._snapshot() if self.lag else None
        objects, rows = self._match(result, corners)
        posed = [n for n, index in enumerate(objects) if result.poses[index].has_pose]
        self._correct(result, objects[posed], rows[posed])
        objects, rows = self._begin(result, objects, rows)
        if before is not None:
            self._smoother.add(Moment(frame.time, *before, *self._snapshot()))
        smoothed = self._smoothed(result)
        self._count(smoothed, rows, passed)
        shown = self._show(result, smoothed, objects, rows)
        self._end()
        return replace(result, poses=shown)

    def look_back(self, result: PoseResult, age: int) -> PoseResult:
        """Return an earlier frame's poses, smoothed by the frames after it too.

        Args:
            result: What `update` returned for that frame.
            age: Frames since then, at most ``lag``.
        """
        if not age or result.intrinsics is None:
            return result
        names, states = self._smoother.smooth(age)
        rows = {name: row for row, name in enumerate(names)}
        smoothed = _describe_states(states.quaternion, states.linear, result)
        poses = [
            pose
            if pose.track is None
            else pose.with_fields(smoothed[rows[self._names[pose.track.number]]])
            for pose in result.poses
        ]
        return replace(result, poses=poses)

    def _snapshot(self) -> tuple[list[int], States]:
        return [life.name for life in self._lives], States.of(self._filter)

    def _advance(self, frame: VideoFrame) -> tuple[int, np.ndarray]:
        """Move all tracks on to a frame.

        Returns:
            How many frames passed, and the corners of all tracks, (N, 8, 3), OpenCV camera frame.
        """
        last, self._last = self._last, frame
        self._frames += 1
        if last is not None:
            self._filter.predict(frame.time - last.time)
        state = self._filter
        corners = pose_keypoints(state.quaternion, state.location, np.exp(state.log_dims))[:, 1:]
        in_front = np.asarray((corners[..., 2] > NEAREST).all(axis=1))
        self._keep(in_front)
        return (frame.number - last.number if last else 1), corners[in_front]

    def _match(self, result: PoseResult, tracked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of objects and of the tracks that they are.

        Args:
            result: The objects.
            tracked: Corners of all tracks, (N, 8, 3).
        """
        if not result.poses or not self._lives:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        corners = np.array([_corners_image(pose) for pose in result.poses])
        depths = [
            np.nan if pose.location_cv is None else pose.location_cv[2] for pose in result.poses
        ]
        expected = _project(tracked, result)
        cost = pair_cost(corners, expected, np.array(depths), self._filter.location[:, 2])
        labels = np.array([pose.label for pose in result.poses])
        own = np.array([life.label for life in self._lives])
        cost = np.where(labels[:, None] == own, cost, NEVER)
        lost = np.array([life.lost for life in self._lives])
        return assign(cost, self.max_cost * (1 + (lost > 0)))

    def _correct(self, result: PoseResult, objects: np.ndarray, rows: np.ndarray) -> None:
        """Correct tracks by the poses of a frame."""
        if len(objects):
            measured = self._measure(result, objects)
            labellings = [self._labellings_of(self._lives[row].label) for row in rows]
            state = self._filter
            measured = choose_labelling(
                measured, labellings, state.quaternion[rows], state.log_dims[rows]
            )
            state.update(rows, measured)

    def _begin(
        self, result: PoseResult, objects: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Begin tracks with the posed objects that have none; return all pairs."""
        taken = set(objects.tolist())
        free = [
            n
            for n, pose in enumerate(result.poses)
            if pose.has_pose and n not in taken and pose.score > self.score_thr
        ]
        if not free:
            return objects, rows
        first = len(self._lives)
        self._filter.add(self._measure(result, np.array(free)))
        for index in free:
            pose = result.poses[index]
            self._lives.append(_Life(self._born, pose.label, pose.category, np.zeros((0, 2))))
            self._born += 1
        new = np.arange(first, len(self._lives))
        return np.concatenate([objects, free]), np.concatenate([rows, new])

    def _count(self, smoothed: list[dict[str, Any]], rows: np.ndarray, passed: int) -> None:
        """Note which tracks were found, and where their centres are in the image."""
        found = set(rows.tolist())
        for row, (life, pose) in enumerate(zip(self._lives, smoothed, strict=True)):
            center = pose['keypoints_image'][0]
            life.lost = 0 if row in found else life.lost + passed
            life.frames += row in found
            life.trail = np.concatenate([life.trail, center[None]])[-self.trail :]
            if not life.number and life.frames >= min(self.min_frames, self._frames):
                life.number = self._next_number(life)
                self._names[life.number] = life.name

    def _next_number(self, life: _Life) -> int:
        """Return the number of a track that is shown from now on."""
        self._numbers += 1
        return self._numbers

    def _show(
        self,
        result: PoseResult,
        poses: list[dict[str, Any]],
        objects: np.ndarray,
        rows: np.ndarray,
    ) -> list[ObjectPose]:
        """Return what the user receives, in the order of the frame; hidden objects come last."""
        assert self._last is not None
        shown = []
        for index, row in sorted(zip(objects.tolist(), rows.tolist(), strict=True)):
            life, pose = self._lives[row], result.poses[index]
            if life.number:
                shown.append((row, pose))
            else:
                life.earlier = (*life.earlier, (self._last, pose))
        if not self.show_hidden:
            return [self._describe(poses[row], row, pose) for row, pose in shown]
        hidden = [row for row, life in enumerate(self._lives) if life.lost and life.number]
        return [self._describe(poses[row], row, pose) for row, pose in shown] + [
            self._describe(poses[row], row, None) for row in hidden
        ]

    def _smoothed(self, result: PoseResult) -> list[dict[str, Any]]:
        """Return the fields of the poses of all tracks."""
        state = self._filter
        return _describe_states(state.quaternion.copy(), state.linear.copy(), result)

    def _describe(self, smoothed: dict[str, Any], row: int, pose: ObjectPose | None) -> ObjectPose:
        """Return a track as the user receives it, with what was found in the frame, if anything."""
        life = self._lives[row]
        track = Track(life.number, life.frames, life.trail, pose, life.earlier)
        life.earlier = ()
        if pose is not None:
            return pose.with_fields({**smoothed, 'failure': None, 'track': track})
        corners = smoothed['keypoints_image'][1:]
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        return ObjectPose(
            0.0, life.label, box, corners, category=life.category, track=track, **smoothed
        )

    def _end(self) -> None:
        """Forget tracks that were hidden too long, at once those that were never shown."""
        self._keep(
            np.array(
                [life.lost <= (self.max_lost if life.number else 0) for life in self._lives], bool
            )
        )

    def _keep(self, mask: np.ndarray) -> None:
        if not mask.all():
            self._filter.keep(mask)
            self._lives = [life for life, kept in zip(self._lives, mask, strict=True) if kept]

    def _measure(self, result: PoseResult, objects: np.ndarray) -> Measurement:
        assert result.intrinsics is not None
        return measure([result.poses[index] for index in objects], result.intrinsics, *self._sigmas)

    def _labellings_of(self, label: int) -> Labellings:
        return self._labellings[label] if label < len(self._labellings) else ONE_LABELLING


def _describe_states(
    quaternion: np.ndarray, linear: np.ndarray, result: PoseResult
) -> list[dict[str, Any]]:
    """Return the fields of poses (N, ...), see `PoseFilter`, as `ObjectPose` has them."""
    location, dims = linear[:, :3], np.exp(linear[:, 3:6])
    keypoints = pose_keypoints(quaternion, location, dims)
    image = _project(keypoints, result)
    names = ('dims', 'location_cv', 'quaternion_xyzw', 'keypoints_cv', 'keypoints_image')
    values = (dims, location, quaternion, keypoints, image)
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _project(points_cv: np.ndarray, result: PoseResult) -> np.ndarray:
    assert result.intrinsics is not None
    return project_points(points_cv, result.intrinsics, result.distortion)


def _corners_image(pose: ObjectPose) -> np.ndarray:
    """Return corners (8, 2), image pixels, those of the box where the network found none."""
    if pose.keypoints_image is not None:
        return pose.keypoints_image[1:]
    if np.isfinite(pose.corners_image).all():
        return pose.corners_image
    return np.repeat(pose.bbox_image.reshape(2, 2), 4, axis=0)
