"""The metric of followed objects: what a tracker makes of the poses of single frames."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import DataError, check_number
from cpose.evaluation.assessment import Assessment
from cpose.evaluation.base import EvaluationProtocol
from cpose.evaluation.evaluation_symmetry import EvaluationSymmetry
from cpose.evaluation.metric_spec import MetricSpec, list_numbers
from cpose.evaluation.metric_table import COUNTS
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.evaluation.records import (
    EvaluationRecord,
    collect_predictions,
    record_image,
    warn_of_missing_annotations,
)
from cpose.evaluation.score_report import build_report
from cpose.evaluation.tracks.track_table import TRACK_TABLE, TrackSpec
from cpose.evaluation.tracks.tracked_pairs import TRACK_ID, pair_tracks
from cpose.files.frame_names import list_videos, split_frame_name
from cpose.registry import METRICS, TRACKERS
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.structures.pose_data_sample import first_views

SINGLE_FRAMES = 'single_frames'
"""Where a report has the numbers of the poses before the tracker."""
OF_NUMBERS = ('AP50_track', 'id_switches')
"""Numbers that single frames do not have."""


class TrackProtocol:
    """Measure metrics of tracks on the matches of another protocol.

    Args:
        inner: The protocol that matches, and measures all other metrics.
    """

    def __init__(self, inner: EvaluationProtocol) -> None:
        self.min_score = inner.min_score
        self._inner = inner

    def assess(
        self,
        records: Sequence[EvaluationRecord],
        symmetry: EvaluationSymmetry,
        metrics: Sequence[MetricSpec],
    ) -> Assessment:
        """Match the predictions of one category and measure them by all metrics."""
        plain = [metric for metric in metrics if not isinstance(metric, TrackSpec)]
        assessment = self._inner.assess(records, symmetry, plain)
        pairs = pair_tracks(assessment, records, symmetry)
        values = dict(assessment.values)
        for metric in metrics:
            if isinstance(metric, TrackSpec) and metric.of_tracks is not None:
                values[metric.key] = np.full(len(assessment.rows), metric.missed_value)
                values[metric.key][pairs.rows] = metric.of_tracks(pairs)
        return replace(assessment, values=values)


@METRICS.register_module()
class TrackMetric(ObjectronMetric):
    """Let a tracker follow what was found in the frames of videos, and evaluate what it shows.

    Frames are images of one folder whose names differ only in the number at the end, which gives
    their order. Everything is measured that `ObjectronMetric` measures, and what stands in
    `TRACK_TABLE`. The report has the same numbers of the poses before the tracker under
    ``single_frames``, and those of each video under ``per_video``.

    Args:
        protocol: See `ObjectronMetric`.
        tao_protocol: See `ObjectronMetric`.
        tracker: Config of the tracker.
        fps: Frames per second of the videos.
        **options: More arguments of `ObjectronMetric`.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        protocol: Mapping[str, Any],
        tao_protocol: Mapping[str, Any],
        tracker: Mapping[str, Any],
        fps: float = 30.0,
        **options: Any,
    ) -> None:
        super().__init__(protocol, tao_protocol, **options)
        check_number('fps', fps, above=0.0)
        self.fps = fps
        self.tracker = TRACKERS.build(dict(tracker))
        self.metrics = (*self.metrics, *TRACK_TABLE)

    def process(self, data_batch: Mapping[str, Any], data_samples: Sequence[PoseResult]) -> None:
        """Keep the poses and annotations of each frame, None for one that could not be read."""
        min_score = min(self.protocol.min_score, self.tao_protocol.min_score)
        for result, sample in zip(data_samples, first_views(data_batch), strict=True):
            if sample.is_replacement:
                self.results.append(None)
                continue
            record = record_image(result, sample, min_score)
            poses = [pose for pose in result.poses if pose.score >= min_score]
            self.results.append((record, replace(result, poses=poses, picture=None)))

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Return the numbers by name, after writing everything to ``report``.

        Raises:
            DataError: If the images are no frames of videos, or change their size within one.
        """
        self.warn_of_unread(results)
        kept = [item for item in results if item is not None]
        records = [record for record, _ in kept]
        if not self.report:
            warn_of_missing_annotations(records)
        tracked = self.follow(kept)
        self.write_dump(tracked)
        rules = self.dataset_meta, self.protocol, self.tao_protocol, self.metrics
        self.report = report_tracks(tracked, records, *rules)
        return {name: self.report[name] for name in self.number_names}

    def follow(
        self, frames: Sequence[tuple[EvaluationRecord, PoseResult]]
    ) -> list[EvaluationRecord]:
        """Return the records of frames of videos with what the tracker shows as predictions.

        Raises:
            DataError: If the images are no frames of videos, or change their size within one.
        """
        tracked = [record for record, _ in frames]
        for video, places in find_videos(tracked).items():
            shown = self._follow(video, [frames[place] for place in places])
            for place, result in zip(places, shown, strict=True):
                tracked[place] = show_tracks(tracked[place], result)
        return tracked

    def _follow(
        self, video: str, frames: Sequence[tuple[EvaluationRecord, PoseResult]]
    ) -> list[PoseResult]:
        """Return what the tracker shows in the frames of a video, smoothed where it looks back."""
        self.tracker.dataset_meta = self.dataset_meta
        self.tracker.reset()
        lag = getattr(self.tracker, 'lag', 0)
        shown: list[PoseResult] = []
        for count, (record, result) in enumerate(frames):
            number = split_frame_name(record.image_name).number
            frame = VideoFrame(video, number, number / self.fps, self.fps)
            shown.append(self.tracker.update(replace(result, video_frame=frame), frame))
            if lag and count >= lag:
                shown[count - lag] = self.tracker.look_back(shown[count - lag], lag)
        for age in range(1, min(lag, len(frames))):
            shown[-1 - age] = self.tracker.look_back(shown[-1 - age], age)
        return shown


def show_tracks(record: EvaluationRecord, result: PoseResult) -> EvaluationRecord:
    """Return a record of a frame with the objects of tracks as predictions."""
    poses = [pose for pose in result.poses if pose.track is not None]
    ids = np.array([pose.track.number for pose in poses if pose.track], np.float64)
    bare = [replace(pose, extras={}) for pose in poses]
    return replace(record, predictions=replace(collect_predictions(bare), extras={TRACK_ID: ids}))


def report_tracks(
    tracked: Sequence[EvaluationRecord],
    records: Sequence[EvaluationRecord],
    dataset_meta: Mapping[str, Sequence[Any]] | None,
    protocol: EvaluationProtocol,
    tao_protocol: EvaluationProtocol,
    metrics: Sequence[MetricSpec],
) -> dict[str, Any]:
    """Evaluate frames of videos.

    Args:
        tracked: With tracks.
        records: The same frames, with the poses of single frames.
        dataset_meta: See `build_report`.
        protocol: See `build_report`.
        tao_protocol: See `build_report`.
        metrics: What is measured, with those of tracks.

    Returns:
        The report of `build_report`, with the same numbers of single frames under
        ``single_frames``, and those of each video under ``per_video``.
    """
    own, tao = TrackProtocol(protocol), TrackProtocol(tao_protocol)
    names = [*(number.key for _, number in list_numbers(metrics)), *COUNTS]

    def report(chosen: Sequence[EvaluationRecord]) -> dict[str, Any]:
        return build_report(chosen, dataset_meta, own, tao, metrics)

    single = report(records)
    return {
        **report(tracked),
        SINGLE_FRAMES: {name: single[name] for name in names if name not in OF_NUMBERS},
        'per_video': {
            video: _chosen(report([tracked[place] for place in places]), names)
            for video, places in find_videos(tracked).items()
        },
    }


def _chosen(report: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    return {name: report[name] for name in names}


def find_videos(records: Sequence[EvaluationRecord]) -> dict[str, list[int]]:
    """Return the places of the frames of each video, in their order.

    Raises:
        DataError: If an image has no number, or frames of a video have different sizes or the same
            number.
    """
    videos = list_videos([record.image_name for record in records])
    for places in videos.values():
        first = records[places[0]]
        numbers = [split_frame_name(records[place].image_name).number for place in places]
        for place, number, before in zip(places, numbers, [-1, *numbers], strict=False):
            record = records[place]
            if number < 0 or (number == before and place != places[0]):
                what = 'has no number' if number < 0 else f'is a second frame {number} of its video'
                raise DataError(
                    what,
                    place=FilePlace(record.image_name),
                    advice='Number the frames of a video, each in a folder of its own',
                )
            if not np.array_equal(record.image_wh, first.image_wh):
                raise DataError(
                    f'has another size than {first.image_name} of the same video',
                    argument='image_wh',
                    value=tuple(record.image_wh.astype(int).tolist()),
                    place=FilePlace(record.image_name),
                    advice='Put frames of different videos into different folders',
                )
    return videos
