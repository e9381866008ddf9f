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
from dataclasses import dataclass, replace
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
from cpose.evaluation.score_report import category_symmetries
from cpose.evaluation.tracks.track_metric import TrackMetric, report_tracks
from cpose.evaluation.tracks.tracked_pairs import TrackedPairs, number_objects, pair_tracks
from cpose.files.frame_names import split_frame_name
from cpose.structures.object_pose import PoseResult

LONGEST = 10
"""Frames of an occlusion that a number is to survive."""
LAG = 30
ROWS: dict[str, Mapping[str, Any] | None] = {
    'single frames': None,
    '`CornerTracker`, as CenterPoseTrack': {'type': 'CornerTracker'},
    '`PoseTracker`': {'type': 'PoseTracker'},
    '`PoseTracker`, `--smooth`': {'type': 'PoseTracker', 'lag': LAG},
}
COLUMNS = {
    'AP50_3DIoU': ('AP at IoU 0.5', 3),
    'mean_3DIoU': ('mean IoU', 3),
    'jitter_deg': ('rotation, °', 2),
    'jitter_percent': ('place, %', 2),
    'id_switches': ('switches', 0),
    'fragments': ('fragments', 0),
    'survived': ('short occlusions survived', 2),
}


@dataclass
class Judge:
    """Measure what a tracker makes of what a network found.

    Attributes:
        config: Of the network.
        videos: Frames of each.
        least: Score from which on objects reach the tracker.
    """

    config: Any
    videos: Sequence[Sequence[Frame]]
    least: float

    def measure(self, tracker: Mapping[str, Any] | None, kind: str) -> dict[str, float]:
        """Return the numbers of a tracker, None for none, in the videos of a kind."""
        metric = TrackMetric(
            **metric_settings(self.config), tracker=tracker or {'type': 'PoseTracker'}, fps=FPS
        )
        metric.dataset_meta = find_metainfo(self.config)
        frames = [
            (record_image(result, sample, self.least), self._shown(result))
            for number, video in enumerate(self.videos)
            if kind_of(number) == kind
            for sample, result in video
        ]
        records = [record for record, _ in frames]
        tracked = metric.follow(frames) if tracker else records
        rules = metric.dataset_meta, metric.protocol, metric.tao_protocol, metric.metrics
        ((_, symmetry),) = category_symmetries(metric.dataset_meta)
        assessment = metric.protocol.assess(tracked, symmetry, METRIC_TABLE)
        pairs = pair_tracks(assessment, tracked, symmetry)
        return {**report_tracks(tracked, records, *rules), **count_gaps(tracked, pairs)}

    def _shown(self, result: PoseResult) -> PoseResult:
        return replace(result, poses=[pose for pose in result.poses if pose.score > self.least])


def count_gaps(records: Sequence[EvaluationRecord], pairs: TrackedPairs) -> dict[str, float]:
    """Return how often tracks broke off, and how many short occlusions they survived.

    Returns:
        ``fragments``, how often an object was lost while it could be seen, and found again later;
        ``occlusions`` of at most `LONGEST` frames in which it was not to be seen; and ``survived``,
        the share of them after which it had its number again, NaN without numbers.
    """
    seen = defaultdict(list)
    for record, numbers in zip(records, number_objects(records), strict=True):
        for number in numbers.tolist():
            seen[number].append(split_frame_name(record.image_name).number)
    fragments = occlusions = survived = 0
    for number, frames in seen.items():
        rows = np.flatnonzero(pairs.objects == number)
        found = pairs.frames[rows]
        places = np.searchsorted(frames, found)
        fragments += int((np.diff(places) > 1).sum())
        for before, after in pairwise(frames):
            if 1 < after - before <= LONGEST + 1:
                left, right = rows[found <= before], rows[found >= after]
                if len(left) and len(right):
                    occlusions += 1
                    survived += pairs.tracks[left[-1]] == pairs.tracks[right[0]]
    has_numbers = np.isfinite(pairs.tracks).all()
    share = survived / occlusions if occlusions and has_numbers else np.nan
    return {'fragments': fragments, 'occlusions': occlusions, 'survived': share}


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
        for name, tracker in ROWS.items():
            found = judge.measure(tracker, kind)
            cells = [f'{found[key]:.{digits}f}' for key, (_, digits) in COLUMNS.items()]
            sys.stdout.write(f'| {kind} | {name} | {" | ".join(cells)} |\n')


if __name__ == '__main__':
    main()
