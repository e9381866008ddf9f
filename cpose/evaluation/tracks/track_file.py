"""Read the file of the tracks of a video that ``cpose infer --track`` writes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cpose.errors import DataError
from cpose.evaluation.dump_reading import DumpFields, read_meta
from cpose.evaluation.records import EvaluationRecord, PredictedCuboids
from cpose.evaluation.tracks.tracked_pairs import TRACK_ID
from cpose.files.text_files import read_json
from cpose.geometry.cuboid_pose import pose_keypoints
from cpose.geometry.projection import project_points
from cpose.structures.camera import cv_from_gl, gl_from_cv

ADVICE = 'Give a file NAME.tracks.json of cpose infer --track'
TRACKS_ENDING = '.tracks.json'
CAMERA_FRAMES = ('opencv', 'objectron')


@dataclass(frozen=True)
class RecordedPose:
    """A pose of a track in a frame.

    Attributes:
        track: Number of the track.
        label: Category number.
        score: 0 to 1.
        dims: (3,) extents, in the unit of the keypoints.
        keypoints_gl: (9, 3), Objectron camera frame.
    """

    track: int
    label: int
    score: float
    dims: np.ndarray
    keypoints_gl: np.ndarray


@dataclass(frozen=True)
class RecordedTracks:
    """What a file holds.

    Attributes:
        path: The file.
        video: Name of the video.
        image_wh: Size of its frames, pixels; None in files that do not tell it.
        dataset_meta: Meta information of the categories; None in files that do not tell it.
        categories: Names of the categories of the tracks.
        last: Number of the last frame with a track.
        shown: Poses of the tracks, by number of the frame.
        found: What was found in the frames alone, the same.
    """

    path: str
    video: str
    image_wh: tuple[int, int] | None
    dataset_meta: dict[str, tuple[Any, ...]] | None
    categories: frozenset[str]
    last: int
    shown: dict[int, list[RecordedPose]]
    found: dict[int, list[RecordedPose]]


def is_track_file(content: Any) -> bool:
    """Tell whether parsed JSON is that of a file of tracks."""
    return isinstance(content, dict) and 'tracks' in content and 'video' in content


def read_tracks(path: str | Path) -> RecordedTracks:
    """Read a file of tracks.

    Raises:
        DataError: If it is unreadable, of another kind, or a field is missing or wrong.
    """
    root = DumpFields(read_json(path), str(path), advice=ADVICE)
    frame = root.value('frame')
    if frame not in CAMERA_FRAMES:
        raise root.error('frame', f'must be one of {", ".join(CAMERA_FRAMES)}')
    meta = read_meta(root.fields('dataset_meta')) if 'dataset_meta' in root.content else None
    shown: dict[int, list[RecordedPose]] = defaultdict(list)
    found: dict[int, list[RecordedPose]] = defaultdict(list)
    names = set()
    for track in root.list_of_fields('tracks'):
        label, number = (int(track.array(name, ())) for name in ('label', 'track_id'))
        if label < 0 or (meta is not None and label >= len(meta['category'])):
            raise track.error('label', 'is the number of no category')
        names |= {str(track.content['class'])} if 'class' in track.content else set()
        for fields in poses_in_order(track):
            place = int(fields.array('number', ()))
            about = number, label, float(fields.array('score', ()))
            shown[place].append(_read_pose(fields, fields, about, frame))
            if not fields.is_null('found') and not fields.fields('found').is_null('location'):
                found[place].append(_read_pose(fields.fields('found'), fields, about, frame))
    size = root.array('image_size', (2,)).astype(int) if 'image_size' in root.content else None
    return RecordedTracks(
        path=str(path),
        video=str(root.value('video')),
        image_wh=None if size is None else (int(size[0]), int(size[1])),
        dataset_meta=meta,
        categories=frozenset(names),
        last=max(shown, default=-1),
        shown=dict(shown),
        found=dict(found),
    )


def poses_in_order(track: DumpFields, name: str = 'poses') -> list[DumpFields]:
    """Return the poses of a track.

    Raises:
        DataError: If a number or a time is not later than that of the pose before.
    """
    poses = track.list_of_fields(name)
    last = -1.0, -np.inf
    for fields in poses:
        number, time = float(fields.array('number', ())), float(fields.array('time', ()))
        if number <= last[0]:
            raise fields.error('number', f'follows frame {last[0]:g}: frames are not in order')
        if time < last[1]:
            raise fields.error('time', f'goes back: the pose before is of {last[1]:g} s')
        last = number, time
    return poses


def _read_pose(
    pose: DumpFields, about: DumpFields, known: tuple[int, int, float], frame: str
) -> RecordedPose:
    """Read a pose; the unit of its lengths stands in what is told about it."""
    dims = pose.array('relative_scale', (3,))
    if about.content.get('unit') == 'm':
        ratio = about.array('dimensions', (3,)) / about.array('relative_scale', (3,))
        dims = dims * ratio
    place = pose.array('location', (3,))[None]
    keypoints = pose_keypoints(pose.array('quaternion_xyzw', (4,))[None], place, dims[None])[0]
    return RecordedPose(*known, dims, gl_from_cv(keypoints) if frame == 'opencv' else keypoints)


def predict_tracks(
    record: EvaluationRecord, poses: Sequence[RecordedPose], min_score: float
) -> PredictedCuboids:
    """Return the poses of a frame as predictions, with the numbers of their tracks.

    Args:
        record: The frame; its camera is used.
        poses: Poses in it.
        min_score: Lower scores are left out.
    """
    kept = [pose for pose in poses if pose.score >= min_score]
    keypoints = np.array([pose.keypoints_gl for pose in kept]).reshape(-1, 9, 3)
    points = np.full((len(kept), 9, 2), np.nan)
    if record.projection is not None:
        points = project_points(cv_from_gl(keypoints), record.projection, record.distortion)
    return PredictedCuboids(
        scores=np.array([pose.score for pose in kept], np.float64),
        labels=np.array([pose.label for pose in kept], np.int64),
        dims=np.array([pose.dims for pose in kept]).reshape(-1, 3),
        keypoints_gl=keypoints,
        keypoints_image=points,
        extras={TRACK_ID: np.array([pose.track for pose in kept], np.float64)},
    )


def check_frame(tracks: RecordedTracks, record: EvaluationRecord) -> None:
    """Check that an annotated frame has the size of the video.

    Raises:
        DataError: If it has another one.
    """
    size = tuple(record.image_wh.astype(int).tolist())
    if tracks.image_wh is not None and size != tracks.image_wh:
        raise DataError(
            f'is of frames of {tracks.image_wh[0]}×{tracks.image_wh[1]}, but '
            f'{record.image_name} has {size[0]}×{size[1]}',
            argument='file',
            value=tracks.path,
            advice='Give the annotated frames of the video that was followed',
        )
