"""Two frames of a video as one training item: which objects are the same, and noisy peaks.

Letters: N objects of the frame at hand, P of the frame before, S symmetric candidates, K = 8
corners.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from cpose.codecs.tracking.previous_heatmaps import Peaks, frame_of_peaks, peak_boxes
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError, check_number, check_settings
from cpose.geometry.assignment import same_cuboids
from cpose.structures.pose_data_sample import CuboidCandidates, PoseDataSample
from cpose.structures.previous_frame import PreviousFrame

TRACK_ID = 'track_id'
"""Field of an annotated object that says which one of its video it is, a number."""
MOST_NOISE = 3.0
"""Standard deviations at which noise is cut off."""
FLAT_NOISE = 4.5
"""Length of the noise, in standard deviations, at which a peak has no height left."""
FALSE_SHIFT, FALSE_CENTER, FALSE_CORNER = 0.05, 0.4, 0.3
"""Of false peaks: standard deviation in sizes of the box, and greatest heights."""


@dataclass(frozen=True)
class PreviousNoise:
    """What happens to the peaks of the frame before in training.

    Source: settings of NVlabs/CenterPose for CenterPoseTrack.

    Attributes:
        center_shift: Standard deviation of the shift of a centre, in widths and heights of its box.
        corner_shift: The same of corners.
        center_lost: Probability that an object has no peaks.
        corner_lost: Probability that a corner has none.
        center_false: Probability of a false peak beside a centre.
        corner_false: The same beside a corner.

    Raises:
        ConfigError: If a number is out of range.
    """

    center_shift: float = 0.05
    corner_shift: float = 0.03
    center_lost: float = 0.2
    corner_lost: float = 0.1
    center_false: float = 0.1
    corner_false: float = 0.05

    def __post_init__(self) -> None:
        for item in fields(self):
            check_number(f'noise.{item.name}', getattr(self, item.name), least=0, most=1)

    @classmethod
    def from_config(cls, values: Mapping[str, Any] | None) -> 'PreviousNoise':
        """Read a nested config; what is not given keeps its default.

        Raises:
            ConfigError: If a key is unknown or a value out of range.
        """
        given = dict(values or {})
        check_settings('noise', given, [item.name for item in fields(cls)])
        return cls(**given)


def join_frames(
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    noise: PreviousNoise,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return one item of two packed frames that went through the same transforms.

    The image of the frame before stands behind the other one in ``inputs`` (6, h, w). A symmetric
    object is drawn in one of its equivalent labellings, and is then to be found in the same one.

    Args:
        now: ``inputs`` and ``data_samples`` of the frame at hand.
        before: The same of the frame before.
        noise: What happens to the peaks.
        rng: Source of chance.

    Raises:
        ConfigError: If the pipeline makes no candidates.
        DataError: If the frames have different sizes.
    """
    sample, previous = now['data_samples'], before['data_samples']
    candidates = _candidates(sample)
    _candidates(previous)
    if sample.image_wh != previous.image_wh:
        raise DataError(
            f'has another size than {sample.image_path} of the same video, {sample.image_wh}',
            argument='image_wh',
            value=previous.image_wh,
            place=FilePlace(previous.image_path),
            advice='Put frames of different videos into different folders',
        )
    rows = match_objects(sample, previous)
    frame, labellings = disturb(previous, rows, noise, rng)
    frame, is_candidate = _follow_labellings(frame, labellings, rows, candidates)
    sample = replace(
        sample, previous=frame, candidates=replace(candidates, is_candidate=is_candidate)
    )
    return {'inputs': torch.cat([now['inputs'], before['inputs']]), 'data_samples': sample}


def _candidates(sample: PoseDataSample) -> CuboidCandidates:
    if sample.candidates is None:
        raise ConfigError(
            'makes no training candidates, which pairs of frames need',
            argument='pipeline',
            advice='Put ExpandSymmetries into it',
        )
    return sample.candidates


def match_objects(sample: PoseDataSample, previous: PoseDataSample) -> np.ndarray:
    """Return which object of the frame before each one was, (N,) int64, −1 for none.

    What the annotated field ``track_id`` says, else the nearest object of the category.
    """
    now, before = _candidates(sample), _candidates(previous)
    if not len(now) or not len(before):
        return np.full(len(now), -1)
    ids, others = _track_ids(sample, len(now)), _track_ids(previous, len(before))
    if ids is None or others is None:
        corners = now.corners_input[:, 0], before.corners_input[:, 0]
        return same_cuboids(*corners, now.labels, before.labels)
    is_same = ids[:, None] == others
    return np.where(is_same.any(axis=1), is_same.argmax(axis=1), -1)


def _track_ids(sample: PoseDataSample, count: int) -> np.ndarray | None:
    """Return the track of each object, NaN where it has none; None if none is annotated."""
    extras = {} if sample.annotations is None else sample.annotations.extras
    ids = extras.get(TRACK_ID)
    return None if ids is None or ids.ndim != 1 else ids[:count]


def disturb(
    previous: PoseDataSample, rows: np.ndarray, noise: PreviousNoise, rng: np.random.Generator
) -> tuple[PreviousFrame, np.ndarray]:
    """Return noisy peaks of the frame before, and the labelling (P,) that each object has there.

    Peaks are shifted, the lower the farther, some are lost, and there are low false ones beside
    them. Where the objects of the frame at hand were is said as it was drawn.

    Args:
        previous: The frame before.
        rows: (N,) the object that each one of the frame at hand was, −1 for none.
        noise: What happens to the peaks.
        rng: Source of chance.
    """
    candidates = _candidates(previous)
    labellings = _draw_labellings(candidates, rng)
    number = np.arange(len(labellings))
    corners = candidates.corners_input[number, labellings]
    shown = candidates.is_corner_in_image[number, labellings]
    boxes = peak_boxes(corners, previous.input_wh)
    exists = boxes.is_drawn & candidates.is_candidate.any(axis=1)
    center_noise, corner_noise = (
        np.clip(rng.normal(size=shape), -MOST_NOISE, MOST_NOISE)
        for shape in (boxes.centers.shape, corners.shape)
    )
    is_found = exists & (rng.random(len(exists)) >= noise.center_lost)
    corner_is_found = is_found[:, None] & shown & (rng.random(shown.shape) >= noise.corner_lost)
    sizes = boxes.sizes
    true = Peaks(
        boxes.centers + noise.center_shift * center_noise * sizes,
        corners + noise.corner_shift * corner_noise * sizes[:, None],
        boxes.radii,
        np.where(is_found, _height(center_noise), 0),
        np.where(corner_is_found, _height(corner_noise), 0),
    )
    false = Peaks(
        boxes.centers + FALSE_SHIFT * rng.normal(size=sizes.shape) * sizes,
        corners + FALSE_SHIFT * rng.normal(size=corners.shape) * sizes[:, None],
        boxes.radii,
        _false_heights(exists, noise.center_false, FALSE_CENTER, rng),
        _false_heights(is_found[:, None] & shown, noise.corner_false, FALSE_CORNER, rng),
    )
    both = Peaks(*(np.concatenate(pair) for pair in zip(true, false, strict=True)))
    known_centers = _where_drawn(true.centers, true.center_heights, previous.input_wh)
    known_corners = _where_drawn(true.corners, true.corner_heights, previous.input_wh)
    frame = frame_of_peaks(
        both, previous.input_wh, _of_objects(known_centers, rows), _of_objects(known_corners, rows)
    )
    return frame, labellings


def _draw_labellings(candidates: CuboidCandidates, rng: np.random.Generator) -> np.ndarray:
    """Return one of the candidates of each object, (P,), 0 where it has none."""
    weights = rng.random(candidates.is_candidate.shape)
    return np.where(candidates.is_candidate, weights, -1).argmax(axis=1)


def _height(shift: np.ndarray) -> np.ndarray:
    """Return how high peaks are that were shifted by (..., 2) standard deviations."""
    return np.maximum(1 - 2.0 ** (np.linalg.norm(shift, axis=-1) - FLAT_NOISE), 0)


def _false_heights(
    may_be: np.ndarray, share: float, highest: float, rng: np.random.Generator
) -> np.ndarray:
    is_there = may_be & (rng.random(may_be.shape) < share)
    return np.where(is_there, rng.uniform(0, highest, may_be.shape), 0)


def _where_drawn(points: np.ndarray, heights: np.ndarray, input_wh: tuple[int, int]) -> np.ndarray:
    """Return the points (..., 2) that have a peak on the input, NaN for the others."""
    is_drawn = (heights > 0) & ((points >= 0) & (points < np.array(input_wh))).all(axis=-1)
    return np.where(is_drawn[..., None], points, np.nan)


def _of_objects(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the points (N, ...) of the objects of the frame at hand, NaN for new ones."""
    unknown = np.full((1, *points.shape[1:]), np.nan)
    return np.concatenate([points, unknown])[rows]


def _follow_labellings(
    frame: PreviousFrame,
    labellings: np.ndarray,
    rows: np.ndarray,
    candidates: CuboidCandidates,
) -> tuple[PreviousFrame, np.ndarray]:
    """Leave drawn objects the one candidate that is labelled as they were drawn.

    Where that is none of the candidates, for example because it would be partly behind the camera,
    all of them stay and the motion is not trained.
    """
    assert frame.centers_input is not None
    assert frame.corners_input is not None
    is_candidate = candidates.is_candidate.copy()
    centers, corners = frame.centers_input.copy(), frame.corners_input.copy()
    is_drawn = np.isfinite(centers).all(axis=1) | np.isfinite(corners).any(axis=(1, 2))
    for n in np.flatnonzero(is_drawn):
        labelling = labellings[rows[n]]
        if labelling < is_candidate.shape[1] and is_candidate[n, labelling]:
            is_candidate[n] = np.arange(is_candidate.shape[1]) == labelling
        else:
            centers[n], corners[n] = np.nan, np.nan
    return replace(frame, centers_input=centers, corners_input=corners), is_candidate


def choose_neighbour(
    numbers: Sequence[int], index: int, max_distance: int, rng: np.random.Generator
) -> int:
    """Return a frame of the same video, before or after, at most so many frames away, or itself.

    Args:
        numbers: Numbers of all frames of the video, in their order.
        index: One of them.
        max_distance: Frames.
        rng: Source of chance.
    """
    place = numbers.index(index)
    low, high = max(place - max_distance, 0), min(place + max_distance, len(numbers) - 1)
    return numbers[int(rng.integers(low, high + 1))]
