"""The tracker of CenterPoseTrack: corners are filtered in the image, poses come from them."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cpose.codecs.pnp import InFrontPnP
from cpose.codecs.tracking.motion_branches import CENTER_MOTION, CORNER_MOTION
from cpose.codecs.tracking.previous_heatmaps import corner_heights
from cpose.errors import check_number
from cpose.geometry.cuboid_pose import DIMS_STD, KEYPOINTS_STD
from cpose.geometry.pnp import MAX_RELATIVE_ERROR, solve_cuboid_pnp
from cpose.registry import TRACKERS
from cpose.structures.cuboid import NUM_CORNERS
from cpose.structures.object_pose import ObjectPose, PoseResult, Track, VideoFrame
from cpose.tracking.corner_filter import CornerFilter, DimsPool

LEAST_STD = 1e-3
"""Smallest standard deviation of a measurement, in its unit."""
SQUARE_PER_CORNER = (NUM_CORNERS, 2)


@dataclass
class _CornerTrack:
    """An object, as it was last found."""

    number: int
    pose: ObjectPose
    filter: CornerFilter
    pool: DimsPool
    trail: deque[np.ndarray]
    frames: int = 1
    lost: int = 0

    @property
    def center(self) -> np.ndarray:
        return _center(self.pose)


@TRACKERS.register_module()
class CornerTracker:
    """Follow objects by the motion that the network predicts, as CenterPoseTrack does.

    Each object, the best score first, goes to the track whose centre is nearest to where the
    network says that the object was, if it is of its category and not farther than the square
    root of the smaller of both boxes' areas. Corners of a track are filtered in the image
    (`CornerFilter`), extents are averaged (`DimsPool`); the pose is found anew from both. Corners
    that became too uncertain do not count, and objects with too few certain ones are not shown.
    While an object is not found, it stays where it was.

    A network of single images gives no motion: it then works like one that says that nothing
    moves.

    Source: Lin et al., "Keypoint-Based Category-Level Object Pose Tracking from an RGB Sequence
    with Uncertainty Estimation" (ICRA 2022), section III; settings as in NVlabs/CenterPose.
    Deviation: there the corners are a fusion of displacements and peaks; here they are the
    displaced ones with their predicted standard deviations.

    Args:
        new_score_thr: Score above which an object that suits no track begins one.
        max_lost: Frames that an object may be hidden; its number stays the same.
        velocity_var: Variance of the predicted motion of corners, pixels² per frame².
        std_factor: Factor of the predicted standard deviations.
        min_corner: Certainty, 0 to 1, below which a corner does not count.
        min_object: Mean certainty of the corners that an object needs to be shown.
        point_sigma: Standard deviation of corners where none is predicted, as a share of their RMS
            distance from the mean.
        dims_sigma: The same of extents, as a share of them.
        trail: Frames in the trail of a track.
        max_relative_error: As that of the postprocessor, for the filtered corners.

    Attributes:
        dataset_meta: Not used.

    Raises:
        ConfigError: If a number is out of range.
    """

    def __init__(
        self,
        new_score_thr: float = 0.3,
        max_lost: int = 4,
        velocity_var: float = 20.0,
        std_factor: float = 2.0,
        min_corner: float = 0.15,
        min_object: float = 0.25,
        point_sigma: float = 0.05,
        dims_sigma: float = 0.15,
        trail: int = 30,
        max_relative_error: float = MAX_RELATIVE_ERROR,
    ) -> None:
        shares = {
            'new_score_thr': new_score_thr,
            'min_corner': min_corner,
            'min_object': min_object,
        }
        for name, value in shares.items():
            check_number(name, value, least=0.0, most=1.0)
        positive = {
            'velocity_var': velocity_var,
            'std_factor': std_factor,
            'point_sigma': point_sigma,
            'dims_sigma': dims_sigma,
            'max_relative_error': max_relative_error,
        }
        for name, value in positive.items():
            check_number(name, value, above=0.0)
        check_number('max_lost', max_lost, least=0, is_whole=True)
        check_number('trail', trail, least=1, is_whole=True)
        self.new_score_thr, self.max_lost, self.trail = new_score_thr, max_lost, trail
        self.min_corner, self.min_object = min_corner, min_object
        self._velocity_var, self._std_factor = velocity_var, std_factor
        self._sigmas = point_sigma, dims_sigma
        self._max_relative_error = max_relative_error
        self.dataset_meta: Mapping[str, Any] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all tracks; numbers begin at 1 again."""
        self._tracks: list[_CornerTrack] = []
        self._numbers = 0

    def update(self, result: PoseResult, frame: VideoFrame) -> PoseResult:
        """Return the poses of a frame with their tracks; see `Tracker.update`.

        Without a camera nothing is tracked.
        """
        if result.intrinsics is None:
            return result
        pairs = match_greedily(result.poses, [track.pose for track in self._tracks])
        followed = [self._follow(self._tracks[row], result.poses[n]) for n, row in pairs.items()]
        begun = [
            self._begin(pose)
            for n, pose in enumerate(result.poses)
            if n not in pairs and pose.score > self.new_score_thr
        ]
        hidden = [t for row, t in enumerate(self._tracks) if row not in pairs.values()]
        for track in hidden:
            track.lost += 1
        kept = [track for track in hidden if track.lost <= self.max_lost]
        self._tracks = [*followed, *begun, *kept]
        shown = [self._describe(track, result) for track in self._tracks]
        return replace(result, poses=[pose for pose in shown if pose is not None])

    def _begin(self, pose: ObjectPose) -> _CornerTrack:
        self._numbers += 1
        measured = self._measure(pose)
        track = _CornerTrack(
            self._numbers,
            pose,
            CornerFilter(*measured, self._velocity_var),
            DimsPool(),
            deque(maxlen=self.trail),
        )
        return self._note(track, pose)

    def _follow(self, track: _CornerTrack, pose: ObjectPose) -> _CornerTrack:
        track.filter.update(*self._measure(pose))
        track.pose, track.lost = pose, 0
        track.frames += 1
        return self._note(track, pose)

    def _note(self, track: _CornerTrack, pose: ObjectPose) -> _CornerTrack:
        std = pose.extras.get(DIMS_STD, self._sigmas[1] * pose.dims)
        track.pool.add(pose.dims, np.maximum(self._std_factor * std, LEAST_STD))
        track.trail.append(track.center)
        return track

    def _measure(self, pose: ObjectPose) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return corners, velocities and standard deviations, (8, 2) each, image pixels."""
        spread = np.sqrt(pose.corners_image.var(axis=0).sum())
        std = np.full(SQUARE_PER_CORNER, self._sigmas[0] * spread)
        if KEYPOINTS_STD in pose.extras:
            std = self._std_factor * pose.extras[KEYPOINTS_STD]
        velocities = -pose.extras.get(CORNER_MOTION, np.zeros(SQUARE_PER_CORNER))
        return pose.corners_image, velocities, np.maximum(std, LEAST_STD)

    def _describe(self, track: _CornerTrack, result: PoseResult) -> ObjectPose | None:
        """Return a track as the user receives it, None if it is too uncertain or has no pose."""
        assert result.intrinsics is not None
        sureness = corner_heights(track.filter.std)
        if sureness.mean() <= self.min_object:
            return None
        corners = np.where(sureness[:, None] < self.min_corner, np.nan, track.filter.corners)
        solved = solve_cuboid_pnp(
            np.repeat(corners, 2, axis=0),
            track.pool.mean,
            result.intrinsics,
            InFrontPnP(),
            distortion=result.distortion,
            max_relative_error=self._max_relative_error,
        )
        if solved.pose is None:
            return None
        found = None if track.lost else track.pose
        return replace(
            track.pose,
            dims=track.pool.mean,
            extras={
                **track.pose.extras,
                KEYPOINTS_STD: track.filter.std,
                DIMS_STD: track.pool.std,
            },
            failure=None,
            track=Track(track.number, track.frames, np.array(track.trail), found),
            **vars(solved.pose),
        )


def match_greedily(poses: Sequence[ObjectPose], tracks: Sequence[ObjectPose]) -> dict[int, int]:
    """Return the tracks of objects, by number, each object in turn taking the nearest one left.

    Args:
        poses: Objects of a frame, best score first.
        tracks: What the tracks were when they were last found.
    """
    left = dict(enumerate(tracks))
    pairs: dict[int, int] = {}
    for number, pose in enumerate(poses):
        was = _center(pose) + pose.extras.get(CENTER_MOTION, np.zeros(2))
        squared = {
            row: float(np.square(_center(track) - was).sum())
            for row, track in left.items()
            if track.label == pose.label
        }
        near = {
            row: gap for row, gap in squared.items() if gap <= min(_area(pose), _area(left[row]))
        }
        if near:
            pairs[number] = min(near, key=lambda row: near[row])
            del left[pairs[number]]
    return pairs


def _center(pose: ObjectPose) -> np.ndarray:
    return pose.bbox_image.reshape(2, 2).mean(axis=0)


def _area(pose: ObjectPose) -> float:
    left, top, right, bottom = pose.bbox_image
    return float((right - left) * (bottom - top))
