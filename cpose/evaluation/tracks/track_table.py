"""The metrics of tracks: the one table that `TrackMetric` reads; see `MetricSpec`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cpose.evaluation.metric_spec import MetricSpec, ReportedNumber, thresholds_up_to
from cpose.evaluation.tracks.tracked_pairs import TrackedPairs
from cpose.geometry.iou3d import box_iou3d

WINDOW = 5
"""Frames in which the boxes of a track are compared."""


@dataclass(frozen=True)
class TrackSpec(MetricSpec):
    """A quantity of followed objects.

    Attributes:
        of_tracks: From n pairs, ordered by object and frame, to (n,) values; NaN where it needs
            more frames, or where nothing was followed.
    """

    of_tracks: Callable[[TrackedPairs], np.ndarray] | None = None


def consistency(pairs: TrackedPairs) -> np.ndarray:
    """Return the mean 3D IoU with the other boxes of the track in a window of five frames.

    Source: NVlabs/CenterPose, average consistency score. Deviation: boxes are compared in the frame
    of the annotated object, so that neither a moving camera nor a moving object counts.
    """
    total, count = np.zeros(len(pairs)), np.zeros(len(pairs))
    for distance in range(1, WINDOW // 2 + 1):
        first = np.arange(len(pairs) - distance) if len(pairs) > distance else np.zeros(0, int)
        second = first + distance
        is_same = (pairs.objects[first] == pairs.objects[second]) & (
            pairs.frames[second] - pairs.frames[first] <= WINDOW // 2
        )
        is_same &= ~(pairs.tracks[first] != pairs.tracks[second]) | np.isnan(pairs.tracks[first])
        first, second = first[is_same], second[is_same]
        overlap = box_iou3d(pairs.keypoints[first], pairs.keypoints[second])
        for side in (first, second):
            total[side] += overlap
            count[side] += 1
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.where(count > 0, total / count, np.nan)


def rotation_jitter(pairs: TrackedPairs) -> np.ndarray:
    """Return how much the error of the rotation changed since the frame before, degrees."""
    angles = np.full(len(pairs), np.nan)
    now = np.flatnonzero(pairs.has_before)
    cosine = ((pairs.axes[now] * pairs.axes[now - 1]).sum(axis=(1, 2)) - 1) / 2
    angles[now] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angles


def translation_jitter(pairs: TrackedPairs) -> np.ndarray:
    """Return how much the error of the place changed since the frame before, % of the diagonal."""
    steps = np.full(len(pairs), np.nan)
    now = np.flatnonzero(pairs.has_before)
    moved = np.linalg.norm(pairs.keypoints[now, 0] - pairs.keypoints[now - 1, 0], axis=1)
    steps[now] = 100 * moved / pairs.diagonals[now]
    return steps


def switches(pairs: TrackedPairs) -> np.ndarray:
    """Return 1 where the object was last found by another track, else 0."""
    values = np.zeros(len(pairs))
    values[1:] = (np.diff(pairs.objects) == 0) & (pairs.tracks[1:] != pairs.tracks[:-1])
    return np.where(np.isnan(pairs.tracks), np.nan, values)


def identified_iou(pairs: TrackedPairs) -> np.ndarray:
    """Return the 3D IoU where the track is the object's own, else 0.

    Its own is the one that finds it most often; a track belongs to the object that it finds most.
    """
    values = np.where(np.isnan(pairs.tracks), np.nan, 0.0)
    known = np.flatnonzero(~np.isnan(pairs.tracks))
    cells, counts = np.unique(
        np.stack([pairs.objects[known], pairs.tracks[known]], axis=1), axis=0, return_counts=True
    )
    objects, tracks = set(), set()
    for place in np.argsort(-counts, kind='stable'):
        own, track = cells[place].tolist()
        if own in objects or track in tracks:
            continue
        objects.add(own)
        tracks.add(track)
        is_own = (pairs.objects == own) & (pairs.tracks == track)
        values[is_own] = pairs.iou[is_own]
    return values


TRACK_TABLE = (
    TrackSpec(
        key='track_iou',
        title='3D IoU with the right number',
        measure=None,
        of_tracks=identified_iou,
        numbers=(
            ReportedNumber(
                'AP50_track', 'AP at 3D IoU ≥ 0.5 with the right track', 0.5, is_headline=True
            ),
        ),
        thresholds=thresholds_up_to(1),
        larger_is_better=True,
        allows_unknown=True,
    ),
    TrackSpec(
        key='consistency',
        title='3D IoU within a track',
        measure=None,
        of_tracks=consistency,
        numbers=(ReportedNumber('consistency', 'mean 3D IoU of a track within five frames'),),
        larger_is_better=True,
        allows_unknown=True,
    ),
    TrackSpec(
        key='rotation_jitter',
        title='Rotation from frame to frame',
        measure=None,
        of_tracks=rotation_jitter,
        numbers=(
            ReportedNumber('jitter_deg', 'change of the rotation error, degrees a frame', digits=2),
        ),
        unit='degrees',
        allows_unknown=True,
    ),
    TrackSpec(
        key='translation_jitter',
        title='Place from frame to frame',
        measure=None,
        of_tracks=translation_jitter,
        numbers=(
            ReportedNumber(
                'jitter_percent', 'change of the place error, % of the diagonal a frame', digits=2
            ),
        ),
        unit='% of the diagonal',
        allows_unknown=True,
    ),
    TrackSpec(
        key='switches',
        title='Changes of the number',
        measure=None,
        of_tracks=switches,
        numbers=(
            ReportedNumber(
                'id_switches', 'changes of numbers of objects', counting='sum', digits=0
            ),
        ),
        allows_unknown=True,
    ),
)
"""What is measured of tracks, beside all that is measured of single frames."""
