from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.accuracy.tracked_scenes import find_objects, frame_of, make_scenes
from benchmarks.accuracy.tracking import SYMMETRY, Judge
from cpose.tracking.base import VideoTracking

FRAMES = 120


def run(lag, name='all move, hidden at times'):
    """Return the errors of a scene, the frames as they come, and what was shown."""
    scene, rng = make_scenes(4)[name], np.random.default_rng(0)
    tracking = VideoTracking({'type': 'PoseTracker', 'lag': lag}, SYMMETRY)
    judge, order, owners, late = Judge(), [], {}, []
    for number in range(FRAMES):
        found, owned = find_objects(scene, number, rng)
        owners.update({key: (value, found) for key, value in owned.items()})
        pairs = tracking.step(SimpleNamespace(frame=frame_of(number)), found)
        late.append(number - len(order) - len(pairs) + 1)
        order += pairs
    order += tracking.finish()
    for image, result in order:
        truth = scene.keypoints(image.frame.number)
        for pose in result.poses:
            number = owners[id(pose.track.found)][0]
            judge.add(image.frame.number, number, truth[number], pose)
    return judge.errors, [image.frame.number for image, _ in order], late


@pytest.mark.slow
def test_later_frames_make_poses_better():
    plain, order, late = run(0)
    smooth, smooth_order, smooth_late = run(30)
    assert order == smooth_order == list(range(FRAMES))
    assert max(late) == 0
    assert max(smooth_late) == 30
    assert np.median(smooth.steps) < 0.6 * np.median(plain.steps)
    assert np.median(smooth.location) < np.median(plain.location)
    assert np.median(smooth.rotation) < np.median(plain.rotation)
    assert smooth.switches == plain.switches == 0


@pytest.mark.slow
def test_a_video_that_is_shorter_than_the_lag():
    _, order, _ = run(500)
    assert order == list(range(FRAMES))


def test_videos_do_not_wait_for_each_other():
    scene, rng = make_scenes(1)['nothing moves'], np.random.default_rng(0)
    tracking = VideoTracking({'type': 'PoseTracker', 'lag': 5}, SYMMETRY)
    results = [find_objects(scene, number, rng)[0] for number in range(3)]
    frames = [SimpleNamespace(frame=frame_of(number)) for number in range(3)]
    other = SimpleNamespace(frame=None)
    assert [tracking.step(*pair) for pair in zip(frames, results, strict=True)] == [[], [], []]
    done = tracking.step(other, results[0])
    assert [image for image, _ in done] == [*frames, other]
    assert done[3][1] is results[0]
    assert done[0][1].poses[0].location_cv[2] != pytest.approx(
        done[0][1].poses[0].track.found.location_cv[2], abs=1e-12
    )
    assert tracking.finish() == []
