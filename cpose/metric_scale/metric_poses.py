"""Poses in metres: the factor from known lengths, and how certain place and size are.

A pose and the logarithm of its metres per unit are one unknown vector with a covariance; a known
length is a linear measurement of it. One length gives the factor and leaves the pose. Further ones
correct pose and proportions too, as far as these are uncertain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np

from cpose.building import build_checked
from cpose.geometry.cuboid_pose import measure, pose_keypoints
from cpose.geometry.projection import project_points
from cpose.geometry.rotation import quaternion_from_matrix
from cpose.metric_scale.base import Cuboid, Found, KnownLength, ScaleSource, View
from cpose.registry import SCALE_SOURCES
from cpose.structures.object_pose import MetricScale, ObjectPose, PoseResult

POINT_SIGMA, DIMS_SIGMA = 0.05, 0.15
"""Standard deviations of corners and extents where the network predicts none, as shares of the
object's size."""
STEP = 1e-5
"""Of the numeric derivatives, in radians and units of the object."""
UNKNOWN_VARIANCE = 1e3
"""Of the logarithm of the factor before anything is known."""
LEAST_RELATIVE_STD = 1e-6
NUM_POSE, FACTOR = 9, 9


class _Solved(NamedTuple):
    """A cuboid with the logarithm of its factor and the covariance (10, 10) of both."""

    cuboid: Cuboid
    log_factor: float
    covariance: np.ndarray


@dataclass
class _Average:
    """Mean of the logarithm of a factor over the frames of a track, weighed by certainty."""

    weight: float = 0.0
    total: float = 0.0
    count: int = 0

    def add(self, value: float, variance: float) -> None:
        """Add a frame."""
        weight = 1 / max(variance, LEAST_RELATIVE_STD**2)
        self.weight, self.total = self.weight + weight, self.total + weight * value
        self.count += 1

    @property
    def mean(self) -> float:
        """Return the mean so far."""
        return self.total / self.weight

    @property
    def variance(self) -> float:
        """Return the variance of one frame, the harmonic mean of all."""
        return self.count / self.weight


class MetricScaling:
    """Turn poses into metres with a source of scale; without one, leave them.

    In a video the factor of a track is the mean over its frames so far: an object does not change
    its size. Its uncertainty stays that of one frame, as the errors of successive frames are much
    alike.

    Args:
        config: Config of the source; None for none.
        dataset_meta: Meta information of the data set, tuples by label.

    Raises:
        ConfigError: If the class is no source of scale.
    """

    def __init__(
        self, config: Mapping[str, Any] | None, dataset_meta: Mapping[str, Any] | None = None
    ) -> None:
        self._source: ScaleSource | None = None
        self._video: str | None = None
        self._averages: dict[int, _Average] = {}
        if config is None:
            return
        source: ScaleSource = build_checked(SCALE_SOURCES, config, ScaleSource)
        source.dataset_meta = dataset_meta or {}  # type: ignore[attr-defined]
        self._source = source

    def apply(self, result: PoseResult, view: View) -> PoseResult:
        """Return an image's poses in metres; those whose scale is unknown say why."""
        if self._source is None or result.intrinsics is None:
            return result
        video = result.video_frame.video if result.video_frame else None
        if video != self._video:
            self._video, self._averages = video, {}
        posed = [pose for pose in result.poses if pose.has_pose]
        if not posed:
            return result
        found = self._source.find_lengths(replace(result, poses=posed), view)
        covariance = measure(posed, result.intrinsics, POINT_SIGMA, DIMS_SIGMA).covariance
        metric = {
            id(pose): self._scale(pose, lengths, known, result)
            for pose, lengths, known in zip(posed, found, covariance, strict=True)
        }
        return replace(result, poses=[metric.get(id(pose), pose) for pose in result.poses])

    def _scale(
        self, pose: ObjectPose, found: Found, covariance: np.ndarray, result: PoseResult
    ) -> ObjectPose:
        assert self._source is not None
        average = None
        if pose.track is not None:
            average = self._averages.setdefault(pose.track.number, _Average())
        is_hidden = pose.track is not None and pose.track.found is None
        reason = found if isinstance(found, str) else ''
        if is_hidden and not reason:
            reason = 'the object is hidden'
        if reason and (average is None or not average.weight):
            return replace(pose, metric_scale=MetricScale(self._source.name, failure=reason))
        lengths = () if reason or isinstance(found, str) else found
        solved = solve_factor(Cuboid.of_pose(pose), covariance, lengths)
        if average is not None:
            if lengths:
                average.add(solved.log_factor, solved.covariance[FACTOR, FACTOR])
            else:
                solved.covariance[FACTOR, FACTOR] = average.variance
            solved = solved._replace(log_factor=average.mean)
        return _metric_pose(pose, solved, self._source.name, result)


def solve_factor(cuboid: Cuboid, covariance: np.ndarray, lengths: Sequence[KnownLength]) -> _Solved:
    """Estimate metres per unit from known lengths, and correct the cuboid where they say more.

    Source: Kalman update with a factor of which nothing is known before, in Joseph's form.

    Args:
        cuboid: In the unit of the model.
        covariance: (9, 9), see `measure`.
        lengths: Of the cuboid; none leaves the factor unknown.
    """
    joint = np.zeros((NUM_POSE + 1, NUM_POSE + 1))
    joint[:NUM_POSE, :NUM_POSE] = covariance
    if not lengths:
        return _Solved(cuboid, 0.0, joint)
    joint[FACTOR, FACTOR] = UNKNOWN_VARIANCE
    logs = np.array([np.log(known.metres / known.of(cuboid)) for known in lengths])
    slopes = np.array([[*_slopes(cuboid, known), 1.0] for known in lengths])
    relative = [max(known.std / known.metres, LEAST_RELATIVE_STD) for known in lengths]
    noise = np.diag(np.square(relative))
    start = logs.mean()
    gain = np.linalg.solve(slopes @ joint @ slopes.T + noise, slopes @ joint).T
    change = gain @ (logs - start)
    left = np.eye(NUM_POSE + 1) - gain @ slopes
    joint = left @ joint @ left.T + gain @ noise @ gain.T
    return _Solved(_moved(cuboid, change[:NUM_POSE]), float(start + change[FACTOR]), joint)


def _slopes(cuboid: Cuboid, known: KnownLength) -> np.ndarray:
    """Return the derivatives (9,) of the logarithm of a length by rotation, place and log dims."""
    steps = np.eye(NUM_POSE) * STEP
    return np.array(
        [
            np.log(known.of(_moved(cuboid, step)) / known.of(_moved(cuboid, -step))) / (2 * STEP)
            for step in steps
        ]
    )


def _moved(cuboid: Cuboid, change: np.ndarray) -> Cuboid:
    return Cuboid(
        cv2.Rodrigues(change[:3])[0] @ cuboid.rotation,
        cuboid.location + change[3:6],
        cuboid.dims * np.exp(change[6:9]),
    )


def _metric_pose(pose: ObjectPose, solved: _Solved, source: str, result: PoseResult) -> ObjectPose:
    assert result.intrinsics is not None
    factor = float(np.exp(solved.log_factor))
    rotation, location, dims = solved.cuboid
    quaternion = quaternion_from_matrix(rotation)
    location, dims = factor * location, factor * dims
    keypoints = pose_keypoints(quaternion[None], location[None], dims[None])[0]
    corners = project_points(keypoints[1:], result.intrinsics, result.distortion)
    covariance = solved.covariance
    place = np.concatenate([np.zeros((3, 3)), factor * np.eye(3), np.zeros((3, 3))], axis=1)
    by_place = np.concatenate([place, location[:, None]], axis=1)
    by_size = np.concatenate([np.zeros((3, 6)), np.eye(3), np.ones((3, 1))], axis=1)
    scale = MetricScale(
        source,
        factor,
        location_std=_std(by_place, covariance),
        dims_std=dims * _std(by_size, covariance),
    )
    track = pose.track
    if track is not None and track.found is not None:
        track = replace(track, found=_multiplied(track.found, factor, scale))
    return replace(
        pose,
        dims=dims,
        location_cv=location,
        quaternion_xyzw=quaternion,
        keypoints_cv=keypoints,
        keypoints_image=np.concatenate([corners.mean(axis=0)[None], corners]),
        track=track,
        metric_scale=scale,
    )


def _multiplied(pose: ObjectPose, factor: float, scale: MetricScale) -> ObjectPose:
    """Return what was found in a frame alone, with the size of its track."""
    if pose.location_cv is None or pose.keypoints_cv is None:
        return pose
    return replace(
        pose,
        dims=factor * pose.dims,
        location_cv=factor * pose.location_cv,
        keypoints_cv=factor * pose.keypoints_cv,
        metric_scale=MetricScale(scale.source, factor),
    )


def _std(by: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.maximum(np.diag(by @ covariance @ by.T), 0)))
