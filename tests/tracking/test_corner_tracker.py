from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.tracked_scenes import find_objects, frame_of, make_scenes
from benchmarks.accuracy.tracking import run
from cpose.errors import ConfigError
from cpose.registry import TRACKERS
from cpose.tracking.corner_tracker import match_greedily

from ..user_errors import raises

SCENES = make_scenes()


def make_tracker(**settings):
    return TRACKERS.build({'type': 'CornerTracker', **settings})


def one_object(frames=8, shift=(0.0, 0.0), **extras):
    """Return frames of one box that does not move but for a shift of the image per frame."""
    rng = np.random.default_rng(0)
    results = []
    for frame in range(frames):
        result, owners = find_objects(SCENES['nothing moves'], frame, rng, reads_previous=True)
        (pose,) = [pose for pose in result.poses if owners[id(pose)] == 0]
        moved = move(replace(pose, score=0.8, extras=extras), frame * np.array(shift))
        results.append(replace(result, poses=[moved]))
    return results


def move(pose, shift):
    return replace(
        pose,
        bbox_image=pose.bbox_image + np.tile(shift, 2),
        corners_image=pose.corners_image + shift,
    )


def follow(tracker, frames):
    return [tracker.update(result, frame_of(n)) for n, result in enumerate(frames)]


def numbers(results):
    return [[pose.track.number for pose in result.poses] for result in results]


def test_a_still_object_becomes_steady():
    frames = one_object(frames=40)
    tracked = follow(make_tracker(), frames)
    assert numbers(tracked) == [[1]] * 40

    def jitter(results):
        corners = np.array([result.poses[0].keypoints_image for result in results[10:]])
        return np.abs(np.diff(corners, axis=0)).mean()

    assert jitter(tracked) < 0.75 * jitter(frames)
    last = tracked[-1].poses[0]
    assert last.track.found is frames[-1].poses[0]
    assert (last.track.frames, last.track.trail_image.shape) == (40, (30, 2))
    found = np.array([result.poses[0].dims for result in frames])
    np.testing.assert_allclose(last.dims, (1 / found).sum(axis=0) / (found**-2).sum(axis=0))
    assert (last.extras['keypoints_std'] < 0.05 * 200).all()


@pytest.mark.parametrize(('is_told', 'expected'), [(True, {1}), (False, {1, 2, 3, 4, 5})])
def test_the_predicted_motion_finds_fast_objects(is_told, expected):
    """The object moves by twice its width in every frame."""
    width = np.diff(one_object()[0].poses[0].bbox_image[[0, 2]])[0]
    motion = np.array([2 * width, 0.0])
    extras = {'tracking': -motion, 'tracking_hp': np.tile(-motion, (8, 1))} if is_told else {}
    frames = one_object(frames=5, shift=motion, **extras)
    tracker = make_tracker()
    seen = set()
    for n, result in enumerate(frames):
        shown = tracker.update(result, frame_of(n)).poses
        seen |= {pose.track.number for pose in shown if pose.track.found is not None}
    assert seen == expected


@pytest.mark.parametrize(('hidden', 'number'), [(4, 1), (5, 2)])
def test_numbers_survive_four_hidden_frames(hidden, number):
    frames = one_object(frames=4 + hidden)
    for gap in range(2, 2 + hidden):
        frames[gap] = replace(frames[gap], poses=[])
    tracked = follow(make_tracker(), frames)
    assert numbers(tracked)[-1] == [number]
    assert tracked[3].poses[0].track.found is None
    np.testing.assert_allclose(
        tracked[3].poses[0].keypoints_cv, tracked[1].poses[0].keypoints_cv, rtol=1e-9
    )


def test_uncertain_objects_are_followed_but_not_shown():
    unsure = one_object(frames=1, keypoints_std=np.full((8, 2), 8.0))
    sure = one_object(frames=3)[1:]
    tracked = follow(make_tracker(), [*unsure, *sure, *sure])
    assert numbers(tracked)[0] == []
    assert numbers(tracked)[-1] == [1]


def test_a_few_uncertain_corners_do_not_count():
    std = np.ones((8, 2))
    std[3] = 50.0
    (result,) = one_object(frames=1, keypoints_std=std)
    far = result.poses[0].corners_image.copy()
    far[3] += 200
    result = replace(result, poses=[replace(result.poses[0], corners_image=far)])
    (pose,) = make_tracker().update(result, frame_of(0)).poses
    assert np.abs(pose.keypoints_image[4] - far[3]).max() > 100
    assert np.abs(pose.keypoints_image[1:4] - far[:3]).max() < 20


def test_the_nearest_track_of_the_category_is_taken_once():
    pose = one_object(frames=1)[0].poses[0]
    width = np.diff(pose.bbox_image[[0, 2]])[0]
    near, nearer = move(pose, (0.3 * width, 0)), move(pose, (0.1 * width, 0))
    other = replace(pose, label=1)
    assert match_greedily([pose], [near, nearer]) == {0: 1}
    assert match_greedily([pose, near], [near, nearer]) == {0: 1, 1: 0}
    assert match_greedily([pose], [other, near]) == {0: 1}
    assert match_greedily([pose], [other]) == {}
    assert match_greedily([pose], [move(pose, (5 * width, 0))]) == {}


def test_weak_objects_begin_no_track():
    frames = one_object(frames=2)
    weak = [replace(result, poses=[replace(result.poses[0], score=0.2)]) for result in frames]
    assert numbers(follow(make_tracker(), weak)) == [[], []]
    assert numbers(follow(make_tracker(), [frames[0], weak[1]])) == [[1], [1]]


def test_reset_begins_anew():
    frames = one_object(frames=2)
    tracker = make_tracker()
    follow(tracker, frames)
    tracker.reset()
    (pose,) = tracker.update(frames[0], frame_of(0)).poses
    assert (pose.track.number, pose.track.frames) == (1, 1)


def test_without_a_camera_nothing_is_tracked():
    (result,) = one_object(frames=1)
    blind = replace(result, intrinsics=None)
    assert make_tracker().update(blind, frame_of(0)) is blind


@pytest.mark.parametrize(
    ('name', 'value'), [('max_lost', -1), ('velocity_var', 0.0), ('min_object', 2.0)]
)
def test_settings_out_of_range(name, value):
    with raises(ConfigError, argument=name, value=value):
        make_tracker(**{name: value})


@pytest.mark.slow
@pytest.mark.parametrize('name', ['nothing moves', 'pairs cross, hidden there'])
def test_poses_of_a_network_that_reads_the_frame_before_get_steady(name):
    errors = run(replace(SCENES[name], frames=140), reads_previous=True)
    single, tracked = errors['single frames'], errors['CornerTracker']
    assert tracked.missing == 0
    assert np.median(tracked.steps) < np.median(single.steps) / 3
    assert np.mean(np.array(tracked.overlaps) > 0.5) > np.mean(np.array(single.overlaps) > 0.5)
