"""Matched predictions in the order of time: which object and track each is, and how it is off.

Letters: n pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cpose.evaluation.assessment import Assessment
from cpose.evaluation.evaluation_symmetry import EvaluationSymmetry
from cpose.evaluation.functional.pose_errors import average_distance
from cpose.evaluation.matched_pairs import gather_pairs
from cpose.evaluation.records import EvaluationRecord
from cpose.files.frame_names import list_videos, split_frame_name
from cpose.geometry.assignment import same_cuboids
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.pose_data_sample import CuboidAnnotations

TRACK_ID = 'track_id'
"""Number of the track of a prediction, and annotated field that says which object of its video it
is; among the extras of both."""


@dataclass(frozen=True)
class TrackedPairs:
    """Matched predictions of one category in all videos, ordered by object and frame.

    Attributes:
        rows: (n,) their places among the rows of the assessment.
        frames: (n,) numbers of the frames.
        objects: (n,) which object each is, unique over all videos.
        tracks: (n,) which track, unique over all videos; NaN where nothing was followed.
        keypoints: (n, 9, 3) the prediction in the frame of the annotated object, metres: what
            moves there is error.
        diagonals: (n,) of the annotated objects, metres.
        iou: (n,) 3D IoU with the object.
    """

    rows: np.ndarray
    frames: np.ndarray
    objects: np.ndarray
    tracks: np.ndarray
    keypoints: np.ndarray
    diagonals: np.ndarray
    iou: np.ndarray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.rows)

    @cached_property
    def has_before(self) -> np.ndarray:
        """Return (n,) bool, whether the pair before is of the same object in the frame before."""
        same = np.zeros(len(self), bool)
        same[1:] = (np.diff(self.objects) == 0) & (np.diff(self.frames) == 1)
        return same

    @cached_property
    def axes(self) -> np.ndarray:
        """Return the unit axes (n, 3, 3) of the predictions as rows, frame of the object."""
        sides = np.einsum('ca,nci->nai', CORNER_SIGNS, self.keypoints[:, 1:])
        return np.asarray(sides / np.linalg.norm(sides, axis=-1, keepdims=True))


def pair_tracks(
    assessment: Assessment, records: Sequence[EvaluationRecord], symmetry: EvaluationSymmetry
) -> TrackedPairs:
    """Return the matched predictions of an assessment as tracked pairs.

    Args:
        assessment: Of one category.
        records: Those that it was made of.
        symmetry: What counts as the same pose.
    """
    rows = np.flatnonzero(assessment.is_matched)
    images, predictions, objects = assessment.rows[rows].T
    numbers = number_objects(records)
    names = [split_frame_name(record.image_name) for record in records]
    videos = {video: place for place, video in enumerate(dict.fromkeys(n.video for n in names))}
    tracks = [
        _track_number(records[image], row, videos[names[image].video])
        for image, row in zip(images, predictions, strict=True)
    ]
    frames = np.array([names[image].number for image in images], np.int64)
    own = np.array([numbers[i][o] for i, o in zip(images, objects, strict=True)], np.int64)
    order = np.lexsort((frames, own))
    rows, frames, own = rows[order], frames[order], own[order]
    keypoints, diagonals = _place_in_objects(assessment, rows, records, symmetry)
    return TrackedPairs(
        rows,
        frames,
        own,
        np.array(tracks, np.float64)[order],
        keypoints,
        diagonals,
        assessment.values['iou'][rows],
    )


MOST_TRACKS = 1_000_000


def _track_number(record: EvaluationRecord, row: int, video: int) -> float:
    numbers = record.predictions.extras.get(TRACK_ID)
    return np.nan if numbers is None else float(numbers[row] + MOST_TRACKS * video)


def _place_in_objects(
    assessment: Assessment,
    rows: np.ndarray,
    records: Sequence[EvaluationRecord],
    symmetry: EvaluationSymmetry,
) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions (n, 9, 3) in the frames of their objects, and the objects' diagonals."""
    pairs = gather_pairs(records, assessment.rows[rows])
    metric = pairs.pred_keypoints * assessment.factors[rows, None, None]
    angles = full_turn(symmetry.num_rotations)
    orders = np.argsort(symmetry.keypoint_orders, axis=1)
    nearest = [
        _nearest_view(keypoints, true, angles, orders)
        for keypoints, true in zip(metric, pairs.gt_keypoints, strict=True)
    ]
    sides = np.einsum('ca,nci->nai', CORNER_SIGNS, pairs.gt_keypoints[:, 1:])
    axes = sides / np.linalg.norm(sides, axis=-1, keepdims=True)
    shifted = np.array(nearest).reshape(-1, 9, 3) - pairs.gt_keypoints[:, :1]
    placed = shifted @ np.swapaxes(axes, 1, 2)
    return placed, np.linalg.norm(sides / 4, axis=(1, 2))


def _nearest_view(
    keypoints: np.ndarray, true: np.ndarray, angles: np.ndarray, orders: np.ndarray
) -> np.ndarray:
    """Return which of the equal poses of keypoints (9, 3) is nearest to the true ones."""
    views = rotate_about_up(keypoints[None], angles)[0][:, orders].reshape(-1, 9, 3)
    return np.asarray(views[average_distance(views, true[None]).argmin()])


def number_objects(records: Sequence[EvaluationRecord]) -> list[np.ndarray]:
    """Return a number for each annotated object, the same in all frames of its video.

    What the annotated field ``track_id`` says, else the nearest object of the frame before.
    """
    numbers: list[np.ndarray] = [np.zeros(0, np.int64)] * len(records)
    count = 0
    for places in list_videos([record.image_name for record in records]).values():
        named: dict[float, int] = {}
        before: tuple[CuboidAnnotations, np.ndarray] | None = None
        for place in places:
            annotations = records[place].annotations
            found = _numbers_of(annotations, named, before)
            new = np.flatnonzero(found < 0)
            found[new] = count + np.arange(len(new))
            count += len(new)
            named.update(_names(annotations, found))
            numbers[place], before = found, (annotations, found)
    return numbers


def _names(annotations: CuboidAnnotations, numbers: np.ndarray) -> dict[float, int]:
    ids = annotations.extras.get(TRACK_ID)
    if ids is None or ids.ndim != 1:
        return {}
    pairs = zip(ids.tolist(), numbers.tolist(), strict=True)
    return {name: number for name, number in pairs if np.isfinite(name)}


def _numbers_of(
    annotations: CuboidAnnotations,
    named: dict[float, int],
    before: tuple[CuboidAnnotations, np.ndarray] | None,
) -> np.ndarray:
    """Return the numbers (N,) of known objects, −1 for new ones."""
    ids = annotations.extras.get(TRACK_ID)
    if ids is not None and ids.ndim == 1 and np.isfinite(ids).all():
        return np.array([named.get(name, -1) for name in ids.tolist()], np.int64)
    found = np.full(len(annotations), -1)
    if before is None or not len(before[0]) or not len(annotations):
        return found
    last, numbers = before
    same = same_cuboids(
        annotations.keypoints_image[:, 1:],
        last.keypoints_image[:, 1:],
        annotations.labels,
        last.labels,
    )
    found[same >= 0] = numbers[same[same >= 0]]
    return found
