"""Read a file of tracks so that its objects can be followed again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cpose.apis.inference.result_json import FRAMES, QUATERNION_GL_FROM_CV
from cpose.evaluation.dump_reading import DumpFields, read_meta
from cpose.evaluation.tracks.track_file import ADVICE, poses_in_order
from cpose.files.text_files import read_json
from cpose.geometry.cuboid_pose import DIMS_STD, KEYPOINTS_STD, pose_keypoints
from cpose.geometry.projection import DISTORTION_LENGTHS, project_points
from cpose.geometry.rotation import multiply_quaternions
from cpose.structures.camera import cv_from_gl
from cpose.structures.cuboid import NUM_CORNERS
from cpose.structures.object_pose import MetricScale, ObjectPose, PoseResult, Track, VideoFrame

FOLLOWED_AGAIN = 'PoseTracker'
"""The tracker whose files can be followed again."""
NO_TRAIL = np.zeros((0, 2))
SHAPES = {KEYPOINTS_STD: (NUM_CORNERS, 2), DIMS_STD: (3,)}


@dataclass(frozen=True)
class TrackRecord:
    """What the tracker got, by a file of tracks.

    Attributes:
        path: The file.
        results: All frames of the video. Each object is what was found in the frame alone, with the
            number of its track, in the unit of the model; boxes and corners are those of the pose.
        scales: How objects got their metres, by number of the track and of the frame.
        dataset_meta: Meta information of the categories.
        settings: Of the tracker, without its type.
    """

    path: str
    results: list[PoseResult]
    scales: Mapping[tuple[int, int], MetricScale]
    dataset_meta: dict[str, tuple[Any, ...]]
    settings: dict[str, Any]


def read_record(path: str | Path) -> TrackRecord:
    """Read a file of tracks.

    Raises:
        DataError: If it is unreadable, of another kind, or a field is missing or wrong; if it was
            written by another tracker, or by a version that did not write what is needed.
    """
    root = DumpFields(read_json(path), str(path), advice=f'{ADVICE} of this version')
    if root.value('frame') not in FRAMES:
        raise root.error('frame', f'must be one of {", ".join(FRAMES)}')
    settings = dict(root.fields('tracker').content)
    if settings.pop('type', None) != FOLLOWED_AGAIN:
        raise root.error('tracker', f'must be a {FOLLOWED_AGAIN}: no other is followed again')
    meta = read_meta(root.fields('dataset_meta'))
    frames = {frame.video_frame.number: frame for frame in _read_frames(root) if frame.video_frame}
    scales: dict[tuple[int, int], MetricScale] = {}
    for track in root.list_of_fields('tracks'):
        number, label = (int(track.array(name, ())) for name in ('track_id', 'label'))
        if not 0 <= label < len(meta['category']):
            raise track.error('label', 'is the number of no category')
        reader = _TrackReader(number, label, meta['category'][label], root.value('frame'))
        reader.read(track, frames, scales)
    for result in frames.values():
        result.poses.sort(key=lambda pose: -pose.score)
    return TrackRecord(str(path), list(frames.values()), scales, meta, settings)


def _read_frames(root: DumpFields) -> list[PoseResult]:
    """Return the frames of the video, without objects."""
    listed = root.fields('frames')
    count = len(listed.list_of('number'))
    numbers, times = listed.array('number', (count,)), listed.array('time', (count,))
    if not count or (np.diff(numbers) <= 0).any() or (numbers % 1).any():
        raise listed.error('number', 'must be the numbers of the frames in their order')
    if (np.diff(times) < 0).any():
        raise listed.error('time', 'goes back')
    fps, video = float(root.array('fps', ())), str(root.value('video'))
    wh = root.array('image_size', (2,)).astype(int)
    cameras = [_read_camera(fields) for fields in root.list_of_fields('cameras')]
    if not cameras:
        raise root.error('cameras', 'must have one entry or more')
    starts = [start for start, *_ in cameras]
    results = []
    for number, time in zip(numbers.astype(int).tolist(), times.tolist(), strict=True):
        _, intrinsics, distortion = cameras[max(np.searchsorted(starts, number, 'right') - 1, 0)]
        results.append(
            PoseResult(
                f'{video}/{number:06d}',
                (int(wh[0]), int(wh[1])),
                intrinsics,
                distortion=distortion,
                is_camera_guessed=bool(root.value('is_camera_guessed')),
                video_frame=VideoFrame(video, number, time, fps),
            )
        )
    return results


def _read_camera(fields: DumpFields) -> tuple[int, np.ndarray | None, np.ndarray | None]:
    """Return number of the first frame, intrinsics and distortion of a camera."""
    distortion = None
    if not fields.is_null('distortion'):
        count = len(fields.list_of('distortion'))
        if count not in DISTORTION_LENGTHS:
            raise fields.error('distortion', f'must have one of {DISTORTION_LENGTHS} numbers')
        distortion = fields.array('distortion', (count,))
    number = int(fields.array('number', ()))
    return number, fields.array_or_none('intrinsics', (3, 3)), distortion


@dataclass(frozen=True)
class _TrackReader:
    """Read the objects of a track.

    Attributes:
        number: Number of the track.
        label: Of its category.
        category: Name of its category.
        frame: Camera frame of the file.
    """

    number: int
    label: int
    category: str
    frame: str

    def read(
        self,
        track: DumpFields,
        frames: Mapping[int, PoseResult],
        scales: dict[tuple[int, int], MetricScale],
    ) -> None:
        """Add what was found of the track to its frames, and how it got its metres.

        Raises:
            DataError: If a field is wrong, or a frame is none of the video.
        """
        for fields in (*poses_in_order(track, 'earlier'), *poses_in_order(track)):
            number = float(fields.array('number', ()))
            if number not in frames:
                raise fields.error('number', 'is that of no frame of the file')
            place = int(number)
            scale = self._read_scale(fields)
            if scale is not None:
                scales[self.number, place] = scale
            found = self._read_found(fields, frames[place], scale)
            if found is not None:
                frames[place].poses.append(found)

    def _read_found(
        self, fields: DumpFields, result: PoseResult, scale: MetricScale | None
    ) -> ObjectPose | None:
        """Return what was found in a frame, in the unit of the model; None while it is hidden."""
        found = fields
        if 'found' in fields.content:
            if fields.is_null('found'):
                return None
            found = fields.fields('found')
        extras = {n: fields.array(n, s) for n, s in SHAPES.items() if n in fields.content}
        errors: dict[str, Any] = {
            name: float(fields.array(name, ()))
            for name in ('reprojection_error', 'relative_error')
            if name in fields.content
        }
        dims = found.array('relative_scale', (3,))
        pose: dict[str, Any] = {}
        if not found.is_null('location'):
            pose = self._read_pose(found, dims, result, scale.factor if scale else None)
        corners = pose['keypoints_image'][1:] if pose else np.full((NUM_CORNERS, 2), np.nan)
        return ObjectPose(
            score=float(fields.array('score', ())),
            label=self.label,
            bbox_image=np.concatenate([corners.min(axis=0), corners.max(axis=0)]),
            corners_image=corners,
            dims=dims,
            extras=extras,
            **errors,
            track=Track(self.number, 0, NO_TRAIL),
            category=self.category,
            **pose,
        )

    def _read_pose(
        self, found: DumpFields, dims: np.ndarray, result: PoseResult, factor: float | None
    ) -> dict[str, Any]:
        """Return the fields of a pose as `ObjectPose` has them."""
        location = found.array('location', (3,)) / (factor or 1.0)
        quaternion = found.array('quaternion_xyzw', (4,))
        if self.frame == 'objectron':
            # The frames differ by a half turn, which is its own inverse.
            location = cv_from_gl(location)
            quaternion = multiply_quaternions(QUATERNION_GL_FROM_CV, quaternion)
        keypoints = pose_keypoints(quaternion[None], location[None], dims[None])[0]
        assert result.intrinsics is not None
        return {
            'location_cv': location,
            'quaternion_xyzw': quaternion,
            'keypoints_cv': keypoints,
            'keypoints_image': project_points(keypoints, result.intrinsics, result.distortion),
        }

    def _read_scale(self, fields: DumpFields) -> MetricScale | None:
        """Return how a pose got its metres, None where it has none."""
        if fields.content.get('unit') != 'm':
            return None
        dims = fields.array('dimensions', (3,))
        location_std = fields.array_or_none('location_std', (3,))
        if location_std is not None and self.frame == 'objectron':
            location_std = np.abs(cv_from_gl(location_std))
        return MetricScale(
            str(fields.value('scale_source')),
            float((dims / fields.array('relative_scale', (3,))).mean()),
            location_std,
            fields.array_or_none('dimensions_std', (3,)),
        )
