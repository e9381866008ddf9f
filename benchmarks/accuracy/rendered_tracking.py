"""Poses of single frames against those of the trackers, of a network on drawn videos.

Run ``python -m benchmarks.accuracy.rendered_tracking``; it prints a table in Markdown. The videos
stand in ``rendered_videos.py``. What the network found is kept in a folder, so that another run
measures a changed tracker in a minute.
"""

import argparse
import hashlib
import pickle
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.rendered_videos import CROSSED, PASSED, Frame, find_poses, kind_of
from cpose.apis.builder import resolve_config
from cpose.apis.config.evaluation_parts import metric_settings
from cpose.apis.inference.inference_parts import find_metainfo
from cpose.datasets.moving_scene import FPS
from cpose.evaluation.metric_table import METRIC_TABLE
from cpose.evaluation.records import EvaluationRecord, record_image
from cpose.evaluation.score_report import build_report, category_symmetries
from cpose.evaluation.tracks.track_metric import TrackMetric, TrackProtocol
from cpose.evaluation.tracks.tracked_pairs import TrackedPairs, number_objects, pair_tracks
from cpose.files.frame_names import split_frame_name
from cpose.tracking.base import keep_above

LONGEST = 10
"""Frames of an occlusion that a number is to survive."""
AROUND = 5
"""Frames before and after an occlusion, in which the network must find the object once."""
LAG, HALF = 30, 0.5
ROWS: dict[str, tuple[Mapping[str, Any] | None, float]] = {
    'single frames': (None, 1.0),
    'single frames, half the threshold': (None, HALF),
    '`CornerTracker`, as CenterPoseTrack': ({'type': 'CornerTracker'}, 1.0),
    '`PoseTracker`': ({'type': 'PoseTracker'}, HALF),
    '`PoseTracker`, `--smooth`': ({'type': 'PoseTracker', 'lag': LAG}, HALF),
}
"""The tracker, and the share of the score that the network shows objects from."""
COLUMNS = {
    'AP50_3DIoU': ('AP at IoU 0.5', 3),
    'mean_3DIoU': ('mean IoU', 3),
    'jitter_deg': ('rotation, °', 2),
    'jitter_percent': ('place, %', 2),
    'id_switches': ('switches', 0),
    'fragments': ('fragments', 0),
    'survived': ('occlusions survived', 0),
}


@dataclass
class Judge:
    """Measure what a tracker makes of what a network found.

    Attributes:
        config: Of the network.
        videos: Frames of each.
        score_thr: Score above which the network shows objects.
    """

    config: Any
    videos: Sequence[Sequence[Frame]]
    score_thr: float

    def measure(
        self, tracker: Mapping[str, Any] | None, share: float, kind: str
    ) -> dict[str, float | str]:
        """Return the numbers of a tracker in the videos of a kind, None for single frames."""
        metric = TrackMetric(
            **metric_settings(self.config), tracker=tracker or {'type': 'PoseTracker'}, fps=FPS
        )
        metric.dataset_meta = find_metainfo(self.config)
        metric.tracker.score_thr = self.score_thr
        chosen = [video for number, video in enumerate(self.videos) if kind_of(number) == kind]
        least = share * self.score_thr
        frames = [
            (record_image(result, sample, least), keep_above(result, least))
            for video in chosen
            for sample, result in video
        ]
        tracked = metric.follow(frames) if tracker else [record for record, _ in frames]
        protocols = TrackProtocol(metric.protocol), TrackProtocol(metric.tao_protocol)
        report = build_report(tracked, metric.dataset_meta, *protocols, metric.metrics)
        pairs = self._pairs(metric, tracked)
        low = HALF * self.score_thr
        everything = [record_image(result, sample, low) for v in chosen for sample, result in v]
        survived = count_survived(tracked, pairs, self._pairs(metric, everything))
        gaps = {'fragments': count_fragments(tracked, pairs), 'survived': survived}
        return {**report, **gaps} if tracker else {**report, 'id_switches': np.nan, **gaps}

    def _pairs(self, metric: TrackMetric, records: Sequence[EvaluationRecord]) -> TrackedPairs:
        ((_, symmetry),) = category_symmetries(metric.dataset_meta)
        assessment = metric.protocol.assess(records, symmetry, METRIC_TABLE)
        return pair_tracks(assessment, records, symmetry)


def count_fragments(records: Sequence[EvaluationRecord], pairs: TrackedPairs) -> int:
    """Return how often an object was lost while it could be seen, and found again later."""
    fragments = 0
    for number, frames in _annotated_frames(records).items():
        places = np.searchsorted(frames, pairs.frames[pairs.objects == number])
        fragments += int((np.diff(places) > 1).sum())
    return fragments


def count_survived(
    records: Sequence[EvaluationRecord], pairs: TrackedPairs, found: TrackedPairs
) -> str:
    """Return after how many occlusions of at most `LONGEST` frames objects have their numbers.

    Args:
        records: The frames.
        pairs: Of what the tracker shows.
        found: Of what the network found.
    """
    occlusions = survived = 0
    for number, frames in _annotated_frames(records).items():
        rows = np.flatnonzero(pairs.objects == number)
        seen = found.frames[found.objects == number]
        for before, after in pairwise(frames):
            is_found = ((seen <= before) & (seen > before - AROUND)).any() and (
                (seen >= after) & (seen < after + AROUND)
            ).any()
            if 1 < after - before <= LONGEST + 1 and is_found:
                left, right = rows[pairs.frames[rows] <= before], rows[pairs.frames[rows] >= after]
                occlusions += 1
                is_same = (
                    len(left) and len(right) and pairs.tracks[left[-1]] == pairs.tracks[right[0]]
                )
                survived += bool(is_same)
    return f'{survived} of {occlusions}' if np.isfinite(pairs.tracks).any() else ''


def _annotated_frames(records: Sequence[EvaluationRecord]) -> dict[int, list[int]]:
    """Return the frames in which each object can be seen."""
    frames = defaultdict(list)
    for record, numbers in zip(records, number_objects(records), strict=True):
        for number in numbers.tolist():
            frames[number].append(split_frame_name(record.image_name).number)
    return frames


def read_videos(model: str, seed: int, count: int, folder: Path) -> list[list[Frame]]:
    """Return what a network finds in videos, from files of an earlier run where there are some."""
    weights = hashlib.sha256(Path(model).read_bytes()).hexdigest()[:12]
    videos = []
    for number in range(count):
        path = folder / f'{weights}_{seed}_{number}.pkl'
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(find_poses(model, seed, number)))
        videos.append(pickle.loads(path.read_bytes()))
    return videos


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--model', default='cpose/weights/cuboid.safetensors')
    parser.add_argument('--seed', type=int, default=2, help='of the videos; 1 to choose settings')
    parser.add_argument('--count', type=int, default=6, help='videos')
    parser.add_argument('--cache', type=Path, default=Path('work_dirs/rendered_tracking'))
    args = parser.parse_args()
    config = resolve_config(None, args.model)
    videos = read_videos(args.model, args.seed, args.count, args.cache)
    judge = Judge(config, videos, config.model.head.postprocessor.infer_score_thr)
    titles = [title for title, _ in COLUMNS.values()]
    sys.stdout.write(f'| videos | poses of | {" | ".join(titles)} |\n')
    sys.stdout.write(f'| --- | --- | {" | ".join(["---:"] * len(titles))} |\n')
    for kind in (PASSED, CROSSED):
        for name, (tracker, share) in ROWS.items():
            found = judge.measure(tracker, share, kind)
            cells = [_cell(found[key], digits) for key, (_, digits) in COLUMNS.items()]
            sys.stdout.write(f'| {kind} | {name} | {" | ".join(cells)} |\n')


def _cell(value: float | str, digits: int) -> str:
    if isinstance(value, str):
        return value
    return f'{value:.{digits}f}' if np.isfinite(value) else ''


if __name__ == '__main__':
    main()
