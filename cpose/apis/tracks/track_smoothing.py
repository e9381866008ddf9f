"""Smooth the tracks of a file and draw them into their video, without a network."""

import inspect
import itertools
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cpose.apis.inference.image_sources import SourceImage, read_images
from cpose.apis.inference.result_writer import ResultWriter, prepare_output
from cpose.apis.tracks.track_file import TrackFile
from cpose.apis.tracks.track_record import FOLLOWED_AGAIN, TrackRecord, read_record
from cpose.error_places import FilePlace
from cpose.errors import DataError, UserError, nearest_names
from cpose.evaluation.tracks.track_file import TRACKS_ENDING
from cpose.files.outputs import note_input, outputs_guarded
from cpose.structures.object_pose import MetricScale, ObjectPose, PoseResult
from cpose.tracking.replayed_tracker import ReplayedTracker
from cpose.visualization.pose_drawer import PoseDrawer

FPS_TOLERANCE = 0.01
"""Share by which the frame rates of a file and of its video may differ."""
OTHER_VIDEO = 'Give the video that was followed'


@outputs_guarded()
def smooth_tracks(
    path: str | Path,
    out: str | Path,
    lag: int | None = None,
    video: str | Path | None = None,
    frame: str = 'opencv',
) -> tuple[int, int]:
    """Write ``json/{video}.tracks.json`` and ``vis/{video}.mp4``, as ``cpose infer --track`` does.

    Args:
        path: File of tracks.
        out: Folder to write to.
        lag: Frames after a frame by which its poses are smoothed; None for as many as when they
            were followed.
        video: The video, or a folder of its numbered frames; None draws nothing.
        frame: Camera frame of the file that is written.

    Returns:
        How many frames and tracks there are.

    Raises:
        DataError: If the file cannot be used, or the video is another one.
        OutputError: If something cannot be written, or would replace an input.
    """
    out = Path(out)
    record = read_record(path)
    images = None if video is None else _images(record, video)
    note_input(path, video)
    prepare_output(out)
    settings = record.settings if lag is None else {**record.settings, 'lag': lag}
    name = _name(record)
    tracker = {'type': FOLLOWED_AGAIN, **settings}
    file = TrackFile(out / 'json' / f'{name}{TRACKS_ENDING}', frame, record.dataset_meta, tracker)
    drawer = PoseDrawer(record.dataset_meta['category'])
    numbers = set()
    with ResultWriter(out, frame, drawer=drawer, save_json=False) as writer:
        for result in follow_again(record, lag):
            file.add(result)
            numbers |= {pose.track.number for pose in result.poses if pose.track is not None}
            if images is not None:
                writer.write(_image_of(images, result, record), result)
    if images is not None and next(images, None) is not None:
        warnings.warn(
            f'{video} has frames after number {_last(record)}, the last one of {record.path}: '
            'they are left out.',
            stacklevel=2,
        )
    file.write()
    return len(record.results), len(numbers)


def follow_again(record: TrackRecord, lag: int | None = None) -> Iterator[PoseResult]:
    """Yield the frames of a file as the tracker gives them.

    Args:
        record: The file.
        lag: See `smooth_tracks`.

    Raises:
        DataError: If the settings of the tracker are wrong.
    """
    settings = record.settings if lag is None else {**record.settings, 'lag': lag}
    known = inspect.signature(ReplayedTracker).parameters
    for name in settings.keys() - known.keys():
        place = FilePlace(record.path, f'tracker.{name}')
        raise DataError(
            'is no setting of a PoseTracker', place=place, advice=nearest_names(name, known)
        )
    try:
        tracker = ReplayedTracker(**settings)
    except (TypeError, UserError) as error:
        place = FilePlace(record.path, 'tracker')
        raise DataError(f'cannot be built: {error}', place=place) from error
    tracker.dataset_meta = record.dataset_meta
    tracker.reset()
    waiting: deque[PoseResult] = deque()
    for found in record.results:
        assert found.video_frame is not None
        waiting.append(tracker.update(found, found.video_frame))
        if len(waiting) > tracker.lag:
            yield _in_metres(tracker.look_back(waiting.popleft(), len(waiting)), record)
    while waiting:
        yield _in_metres(tracker.look_back(waiting.popleft(), len(waiting)), record)


def _in_metres(result: PoseResult, record: TrackRecord) -> PoseResult:
    """Return a frame with the factors that its objects had when they were followed."""
    assert result.video_frame is not None
    number = result.video_frame.number
    poses = [
        _scaled(pose, record.scales.get((pose.track.number, number)) if pose.track else None)
        for pose in result.poses
    ]
    return replace(result, poses=poses)


def _scaled(pose: ObjectPose, scale: MetricScale | None) -> ObjectPose:
    if scale is None or scale.factor is None:
        return pose
    values = {name: getattr(pose, name) for name in ('dims', 'location_cv', 'keypoints_cv')}
    fields = {name: scale.factor * value for name, value in values.items()}
    if pose.track is not None and pose.track.found is not None:
        found = _scaled(pose.track.found, scale) if pose.track.found.has_pose else pose.track.found
        fields['track'] = replace(pose.track, found=found)
    return pose.with_fields({**fields, 'metric_scale': scale})


def _name(record: TrackRecord) -> str:
    frame = record.results[0].video_frame
    assert frame is not None
    return frame.video


def _last(record: TrackRecord) -> int:
    frame = record.results[-1].video_frame
    assert frame is not None
    return frame.number


def _images(record: TrackRecord, video: str | Path) -> Iterator[SourceImage]:
    """Return the frames of a video, checked as they are read.

    Raises:
        DataError: If it is another one than that of the file.
    """
    frame = record.results[0].video_frame
    assert frame is not None
    images = read_images(video, fps=frame.fps)
    first = next(images)
    if first.frame is None:
        raise DataError(
            'is no video, and no folder of numbered frames',
            argument='video',
            value=str(video),
            advice=OTHER_VIDEO,
        )
    if abs(first.frame.fps / frame.fps - 1) > FPS_TOLERANCE:
        raise DataError(
            f'has {first.frame.fps:g} frames per second, but {record.path} is of a video with '
            f'{frame.fps:g}',
            argument='video',
            value=str(video),
            advice=OTHER_VIDEO,
        )
    return itertools.chain([first], images)


def _image_of(
    images: Iterator[SourceImage], result: PoseResult, record: TrackRecord
) -> SourceImage:
    """Return the image of a frame.

    Raises:
        DataError: If there is none, or it has another size.
    """
    place = result.video_frame
    assert place is not None
    for image in images:
        if image.frame is None or image.frame.number < place.number:
            continue
        if image.frame.number > place.number:
            break
        if image.image_wh != result.image_wh:
            raise DataError(
                f'has frames of {image.image_wh[0]}×{image.image_wh[1]}, but {record.path} is of '
                f'frames of {result.image_wh[0]}×{result.image_wh[1]}',
                argument='video',
                value=image.path.rpartition('#')[0] or image.path,
                advice=OTHER_VIDEO,
            )
        return SourceImage(image.name, image.path, image.image, place)
    raise DataError(
        f'has no frame {place.number}, but {record.path} has frames up to {_last(record)}',
        argument='video',
        advice=OTHER_VIDEO,
    )
