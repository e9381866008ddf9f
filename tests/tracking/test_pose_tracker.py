from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.tracked_scenes import find_objects, frame_of, make_scenes
from benchmarks.accuracy.tracking import SYMMETRY, run
from cpose.errors import ConfigError
from cpose.registry import TRACKERS
from cpose.structures.object_pose import PoseResult

from ..user_errors import raises

SCENES = make_scenes()


def make_tracker(meta=SYMMETRY, **settings):
    tracker = TRACKERS.build({'type': 'PoseTracker', **settings})
    tracker.dataset_meta = meta
    tracker.reset()
    return tracker


def results(name='nothing moves', frames=8, seed=0):
    rng = np.random.default_rng(seed)
    return [find_objects(SCENES[name], frame, rng)[0] for frame in range(frames)]


def follow(tracker, frames):
    return [tracker.update(result, frame_of(n)) for n, result in enumerate(frames)]


def numbers(result):
    return [pose.track.number for pose in result.poses]


@pytest.mark.slow
@pytest.mark.parametrize('name', SCENES)
def test_poses_are_steady_and_numbers_survive(name):
    errors = run(SCENES[name])
    single, tracked = errors['single frames'], errors['PoseTracker']
    assert tracked.switches == 0
    assert tracked.missing == 0
    assert np.median(tracked.steps) < np.median(single.steps) / 4
    assert np.median(tracked.rotation) < 0.75 * np.median(single.rotation)
    assert np.median(tracked.location) < 0.5 * np.median(single.location)


def test_what_was_found_stays_beside_the_smoothed_pose():
    frames = results()
    last = follow(make_tracker(), frames)[-1]
    assert numbers(last) == [1, 2, 3, 4, 5, 6]
    for pose, found in zip(last.poses, frames[-1].poses, strict=True):
        assert pose.track.found is found
        assert pose.track.frames == 8
        assert pose.track.trail_image.shape == (8, 2)
        assert pose.score == found.score
        np.testing.assert_allclose(pose.dims[1], 1, atol=2e-3)
        np.testing.assert_allclose(pose.keypoints_image[0], pose.track.trail_image[-1], atol=3)
        assert not np.array_equal(pose.location_cv, found.location_cv)


def test_without_symmetry_every_turn_counts():
    turned = results(frames=1)[0].poses[0]
    tracker = make_tracker(meta=None)
    pose = tracker.update(
        PoseResult('x', (640, 480), results()[0].intrinsics, [turned]), frame_of(0)
    )
    np.testing.assert_allclose(
        np.abs(pose.poses[0].quaternion_xyzw @ turned.quaternion_xyzw), 1, atol=1e-9
    )


def test_an_object_of_few_frames_is_not_shown():
    frames = results(frames=7)
    ghost = replace(frames[5].poses[0], score=0.9, bbox_image=np.array([0.0, 0, 9, 9]))
    moved = ghost.keypoints_cv + np.array([-4.0, 0, 3])
    ghost = replace(
        ghost,
        keypoints_cv=moved,
        location_cv=moved[0],
        keypoints_image=ghost.keypoints_image - [300, 0],
    )
    frames[5] = replace(frames[5], poses=[*frames[5].poses, ghost])
    shown = follow(make_tracker(), frames)
    assert [len(result.poses) for result in shown] == [6] * 7
    assert len(follow(make_tracker(min_frames=1), frames)[5].poses) == 7


@pytest.mark.parametrize(('hidden', 'kept'), [(4, True), (6, False)])
def test_numbers_survive_being_hidden_for_a_while(hidden, kept):
    frames = results(frames=20)
    for number in range(8, 8 + hidden):
        frames[number] = replace(frames[number], poses=frames[number].poses[1:])
    shown = follow(make_tracker(max_lost=5), frames)
    assert numbers(shown[7])[0] == 1
    assert 1 not in numbers(shown[8])
    assert (numbers(shown[-1])[0] == 1) is kept


def test_hidden_objects_can_be_shown():
    frames = results(frames=10)
    frames[9] = replace(frames[9], poses=frames[9].poses[1:])
    shown = follow(make_tracker(show_hidden=True), frames)[9]
    hidden = shown.poses[-1]
    assert numbers(shown) == [2, 3, 4, 5, 6, 1]
    assert hidden.track.found is None
    assert hidden.score == 0
    truth = SCENES['nothing moves'].keypoints(9)[0]
    assert np.linalg.norm(hidden.location_cv - truth[0]) < 0.3


def test_names_of_categories_stay():
    frames = [
        replace(result, poses=[replace(pose, category='cup') for pose in result.poses])
        for result in results(frames=10)
    ]
    frames[9] = replace(frames[9], poses=frames[9].poses[1:])
    shown = follow(make_tracker(show_hidden=True), frames)[9]
    assert [pose.category for pose in shown.poses] == ['cup'] * 6


def test_objects_without_a_pose_are_matched():
    frames = results(frames=10)
    bare = {'location_cv': None, 'quaternion_xyzw': None, 'keypoints_cv': None}
    first = replace(frames[9].poses[0], **bare, keypoints_image=None, failure='too far')
    frames[9] = replace(frames[9], poses=[first, *frames[9].poses[1:]])
    pose = follow(make_tracker(), frames)[9].poses[0]
    assert pose.track.number == 1
    assert pose.has_pose
    assert pose.failure is None


def test_categories_are_not_mixed():
    frames = results(frames=10)
    poses = [replace(pose, label=1) for pose in frames[9].poses]
    frames[9] = replace(frames[9], poses=poses)
    assert follow(make_tracker(), frames)[9].poses == []


def test_without_a_camera_nothing_is_tracked():
    result = replace(results()[0], intrinsics=None)
    assert make_tracker().update(result, frame_of(0)) is result


def test_numbers_begin_anew_with_a_video():
    tracker = make_tracker()
    assert numbers(follow(tracker, results())[-1]) == [1, 2, 3, 4, 5, 6]
    tracker.reset()
    assert numbers(follow(tracker, results())[0]) == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_many_frames_leave_the_filter_sound():
    tracker = make_tracker()
    follow(tracker, results('all move, hidden at times', frames=150))
    covariance = tracker._filter.covariance
    assert np.isfinite(covariance).all()
    assert (np.linalg.eigvalsh(covariance) > 0).all()


@pytest.mark.parametrize(
    'settings',
    [{'min_frames': 0}, {'max_lost': -1}, {'max_cost': 0}, {'acceleration': -1}, {'trail': 1.5}],
)
def test_absurd_settings_are_refused(settings):
    with raises(ConfigError, argument=next(iter(settings))):
        make_tracker(**settings)
