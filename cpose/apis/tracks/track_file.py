"""The file of the tracks of a video."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpose.apis.inference.result_json import (
    ANOTHER_FOLDER,
    found_to_dict,
    plain,
    pose_to_dict,
    quality_to_dict,
    scale_to_dict,
)
from cpose.evaluation.dump import plain_meta
from cpose.files.atomic import write_atomic
from cpose.files.outputs import check_replaceable
from cpose.geometry.cuboid_pose import DIMS_STD, KEYPOINTS_STD
from cpose.registry import TRACKERS
from cpose.structures.object_pose import ObjectPose, PoseResult, VideoFrame


def tracker_settings(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the config of a tracker with what it leaves out; None for none."""
    tracker = TRACKERS.get(config['type']) if config else None
    if config is None or tracker is None:
        return None
    parameters = inspect.signature(tracker).parameters.values()
    left_out = {item.name: item.default for item in parameters if item.default is not item.empty}
    return {**left_out, **config}


@dataclass
class TrackFile:
    """Collect the tracks of a video and write them as one JSON file.

    The file has ``video``, ``frame``, ``fps``, ``image_size``, ``is_camera_guessed``,
    ``dataset_meta`` (``category``, ``symmetry`` and ``eval_num_symmetry``, by label), ``tracker``
    with all its settings, ``frames`` (numbers and times of all frames), ``cameras`` (``intrinsics``
    and ``distortion`` from the frame ``number`` on) and ``tracks``; of each track ``track_id``,
    ``label``, ``class`` where the name is known, and ``poses``: ``number`` and ``time`` (seconds)
    of the frame, ``score``, ``location``, ``quaternion_xyzw``, ``relative_scale``, ``found``,
    ``reprojection_error``, ``relative_error`` and predicted standard deviations where there are
    any, and unit and source of the scale, as in `result_to_dict`. ``earlier`` are the objects that
    were found before the track was shown, in the unit of the model.

    Attributes:
        path: Where to write.
        frame: Camera frame, see `result_to_dict`.
        dataset_meta: Meta information of the categories; None leaves it out.
        tracker: Settings of the tracker; None leaves them out.
    """

    path: Path
    frame: str
    dataset_meta: Mapping[str, Sequence[Any]] | None = None
    tracker: Mapping[str, Any] | None = None
    _tracks: dict[int, dict[str, Any]] = field(default_factory=dict, init=False, repr=False)
    _about: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def add(self, result: PoseResult) -> None:
        """Add the tracks of one frame."""
        place = result.video_frame
        assert place is not None
        if not self._about:
            self._about = self._head(result, place)
        self._about['frames']['number'].append(place.number)
        self._about['frames']['time'].append(place.time)
        camera = {
            'intrinsics': plain(result.intrinsics),
            'distortion': plain(result.distortion),
        }
        last = dict(self._about['cameras'][-1]) if self._about['cameras'] else {'number': 0}
        last.pop('number')
        if camera != last:
            self._about['cameras'].append({'number': place.number, **camera})
        for pose in result.poses:
            if pose.track is not None:
                self._track_of(pose)['poses'].append(self._pose(pose, place))

    def _head(self, result: PoseResult, place: VideoFrame) -> dict[str, Any]:
        return {
            'video': place.video,
            'frame': self.frame,
            'fps': place.fps,
            'image_size': list(result.image_wh),
            'is_camera_guessed': result.is_camera_guessed,
            **({'dataset_meta': plain_meta(self.dataset_meta)} if self.dataset_meta else {}),
            **({'tracker': dict(self.tracker)} if self.tracker else {}),
            'frames': {'number': [], 'time': []},
            'cameras': [],
        }

    def write(self) -> None:
        """Write the file, if there was any track.

        Raises:
            OutputError: If it cannot be written.
        """
        if self._tracks:
            check_replaceable(self.path)
            tracks = [self._tracks[number] for number in sorted(self._tracks)]
            text = json.dumps({**self._about, 'tracks': tracks}, indent=1, allow_nan=False)
            write_atomic(self.path, text.encode(), ANOTHER_FOLDER, 'out', is_durable=False)

    def _pose(self, pose: ObjectPose, place: VideoFrame) -> dict[str, Any]:
        """Return the pose of a track in a frame, and what was found in the frame alone."""
        return {
            **_measured(pose, place),
            **scale_to_dict(pose, self.frame),
            **pose_to_dict(pose, self.frame),
            'found': found_to_dict(pose, self.frame),
        }

    def _track_of(self, pose: ObjectPose) -> dict[str, Any]:
        assert pose.track is not None
        number, label = pose.track.number, pose.label
        categories = (self.dataset_meta or {}).get('category', ())
        name = {'class': categories[label]} if label < len(categories) else {}
        if number not in self._tracks:
            earlier = [
                {**_measured(found, place), **pose_to_dict(found, self.frame)}
                for place, found in pose.track.earlier
            ]
            about = {'track_id': number, 'label': label, **name}
            self._tracks[number] = {**about, 'earlier': earlier, 'poses': []}
        return self._tracks[number]


def _measured(pose: ObjectPose, place: VideoFrame) -> dict[str, Any]:
    """Return place and score of an object, and what tells how certain its pose is."""
    stds = {
        name: plain(pose.extras[name]) for name in (KEYPOINTS_STD, DIMS_STD) if name in pose.extras
    }
    frame = {'number': place.number, 'time': place.time}
    return {**frame, 'score': pose.score, **quality_to_dict(pose), **stds}
