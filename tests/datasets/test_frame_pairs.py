"""Pairs of frames: which objects are the same, and what the network is told of the other frame."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cpose.datasets.frame_pairs import (
    PreviousNoise,
    choose_neighbour,
    disturb,
    join_frames,
    match_objects,
)
from cpose.errors import ConfigError, DataError
from cpose.structures.pose_data_sample import CuboidAnnotations

from ..codecs.scenes import make_sample, slanted_box
from ..user_errors import raises

EXACT = PreviousNoise(0, 0, 0, 0, 0, 0)
MOTION = np.array([6.0, -4.0])


def rng(seed=0):
    return np.random.default_rng(seed)


def make_frame(centers, tracks=None, rows=1, shift=(0, 0)):
    """Return a sample of boxes; candidates are shifted by a pixel each."""
    boxes = np.array([slanted_box(np.add(center, shift), (41, 37)) for center in centers])
    corners = boxes.reshape(-1, 1, 8, 2) + np.arange(rows)[:, None, None]
    sample = make_sample(corners)
    if tracks is None:
        return sample
    count = len(centers)
    annotations = CuboidAnnotations(
        labels=np.zeros(count, np.int64),
        keypoints_gl=np.zeros((count, 9, 3)),
        keypoints_image=np.zeros((count, 9, 2)),
        dims_metric=np.ones((count, 3)),
        visibility=np.ones(count),
        extras={'track_id': np.array(tracks, dtype=float)},
    )
    return replace(sample, annotations=annotations)


def pack(sample, brightness=0):
    return {'inputs': torch.full((3, 128, 128), brightness), 'data_samples': sample}


def join(now, before, noise=EXACT, seed=0):
    item = join_frames(pack(now, 1), pack(before, 2), noise, rng(seed))
    return item, item['data_samples'].previous


def test_without_noise_peaks_are_where_objects_were():
    centers = [(40, 60), (80, 70)]
    before = make_frame(centers, shift=MOTION)
    item, previous = join(make_frame(centers), before)
    assert item['inputs'][:, 0, 0].tolist() == [1, 1, 1, 2, 2, 2]
    corners = before.candidates.corners_input[:, 0]
    np.testing.assert_array_equal(previous.corners_input, corners)
    middle = (corners.min(axis=1) + corners.max(axis=1)) / 2
    np.testing.assert_array_equal(previous.centers_input, middle)
    assert sorted(previous.planes.tolist()) == sorted([*range(9)] * 2)
    assert ((previous.heights > 0) & (previous.heights <= 1 - 2**-4.5)).all()
    for plane, point in zip(previous.planes, previous.peaks_input, strict=True):
        known = middle if plane == 0 else corners[:, plane - 1]
        assert (known == point).all(axis=1).any()


def test_lost_objects_have_neither_peaks_nor_targets():
    noise = replace(EXACT, center_lost=1.0)
    item, previous = join(make_frame([(60, 60)], rows=3), make_frame([(60, 60)], rows=3), noise)
    assert len(previous.planes) == 0
    assert np.isnan(previous.centers_input).all()
    assert np.isnan(previous.corners_input).all()
    assert item['data_samples'].candidates.is_candidate.all()


def test_lost_corners_have_neither():
    _, previous = join(
        make_frame([(60, 60)]), make_frame([(60, 60)]), replace(EXACT, corner_lost=1.0)
    )
    assert previous.planes.tolist() == [0]
    assert np.isfinite(previous.centers_input).all()
    assert np.isnan(previous.corners_input).all()


def test_shifted_peaks_are_lower_and_are_what_is_asked_for():
    noise = replace(EXACT, center_shift=0.05, corner_shift=0.03)
    sizes = np.ptp(slanted_box((0, 0), (41, 37)), axis=0)
    corners, heights = [], []
    for seed in range(200):
        before = make_frame([(60, 60)])
        previous, _ = disturb(before, np.array([0]), noise, rng(seed))
        gap = previous.corners_input[0] - before.candidates.corners_input[0, 0]
        corners.append(gap / sizes)
        heights.append(previous.heights[previous.planes > 0])
    corners, heights = np.array(corners), np.array(heights)
    assert corners.std() == pytest.approx(0.03, rel=0.05)
    assert np.abs(corners).max() <= 3 * 0.03 + 1e-9
    length = np.linalg.norm(corners / 0.03, axis=-1)
    np.testing.assert_allclose(heights, 1 - 2 ** (length - 4.5), atol=1e-6)


def test_false_peaks_are_low_and_no_targets():
    noise = replace(EXACT, center_lost=1.0, center_false=1.0)
    found = [join(make_frame([(60, 60)]), make_frame([(60, 60)]), noise, s)[1] for s in range(50)]
    assert all(frame.planes.tolist() == [0] for frame in found)
    heights = np.concatenate([frame.heights for frame in found])
    assert 0.2 < heights.max() <= 0.4
    assert all(np.isnan(frame.centers_input).all() for frame in found)
    both = join(make_frame([(60, 60)]), make_frame([(60, 60)]), replace(EXACT, corner_false=1.0))
    assert len(both[1].planes) == 9 + 8


def test_symmetric_objects_keep_the_labelling_that_was_drawn():
    drawn = set()
    for seed in range(20):
        before = make_frame([(60, 60)], rows=4, shift=MOTION)
        item, previous = join(make_frame([(60, 60)], rows=4), before, seed=seed)
        (row,) = np.flatnonzero(item['data_samples'].candidates.is_candidate[0])
        expected = before.candidates.corners_input[0, row]
        np.testing.assert_array_equal(previous.corners_input[0], expected)
        drawn.add(int(row))
    assert drawn == {0, 1, 2, 3}


def test_a_labelling_that_is_gone_is_not_asked_for():
    now = make_frame([(60, 60)], rows=2)
    mask = np.array([[True, False]])
    now = replace(now, candidates=replace(now.candidates, is_candidate=mask))
    before = make_frame([(60, 60)], rows=2)
    only = replace(before.candidates, is_candidate=~mask)
    item, previous = join(now, replace(before, candidates=only))
    assert item['data_samples'].candidates.is_candidate.tolist() == mask.tolist()
    assert np.isnan(previous.corners_input).all()
    assert len(previous.planes) == 9


def test_tracks_say_who_is_who():
    now = make_frame([(40, 60), (80, 60), (60, 90)], tracks=[5, 7, 9])
    before = make_frame([(41, 60), (81, 60)], tracks=[7, 5])
    assert match_objects(now, before).tolist() == [1, 0, -1]
    assert match_objects(now, make_frame([], tracks=[])).tolist() == [-1, -1, -1]


def test_without_tracks_the_nearest_is_the_same():
    now = make_frame([(40, 60), (80, 60), (100, 100)])
    before = make_frame([(84, 60), (44, 60)])
    assert match_objects(now, before).tolist() == [1, 0, -1]
    assert match_objects(now, make_frame([])).tolist() == [-1, -1, -1]
    labels = replace(before.candidates, labels=np.array([1, 1]))
    assert match_objects(now, replace(before, candidates=labels)).tolist() == [-1, -1, -1]


def test_frames_of_two_sizes():
    other = replace(make_frame([(60, 60)]), image_wh=(64, 64))
    with raises(DataError, argument='image_wh', value=(64, 64)):
        join(make_frame([(60, 60)]), other)


def test_pipelines_without_candidates():
    bare = replace(make_frame([(60, 60)]), candidates=None)
    with raises(ConfigError, argument='pipeline'):
        join(make_frame([(60, 60)]), bare)


def test_neighbours_stay_in_the_video():
    video = [4, 5, 6, 7, 8]
    found = {choose_neighbour(video, 5, 2, rng(seed)) for seed in range(60)}
    assert found == {4, 5, 6, 7}
    assert choose_neighbour(video, 5, 0, rng()) == 5


def test_settings_of_the_noise():
    assert PreviousNoise.from_config({'center_lost': 0.5}).center_lost == 0.5
    with raises(ConfigError, argument='noise.centre_lost'):
        PreviousNoise.from_config({'centre_lost': 0.5})
    with raises(ConfigError, argument='noise.center_lost', value=2):
        PreviousNoise.from_config({'center_lost': 2})
