import pytest
from mmengine.config import Config

from cpose.building import building
from cpose.errors import ConfigError, DataError
from cpose.registry import TRACKERS
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.tracking.base import VideoTracking

from ..user_errors import raises


@TRACKERS.register_module()
class RecordingTracker:
    """Write down what it is told; its results have the camera guessed."""

    def __init__(self):
        CALLS.append('built')

    def reset(self):
        CALLS.append('reset')

    def update(self, result, frame):
        CALLS.append((frame.video, frame.number))
        return PoseResult(f'{result.image_path} tracked', result.image_wh, None)


@TRACKERS.register_module()
class NoTracker:
    """Lack the methods."""


CALLS: list = []


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def follow(tracking, *frames):
    result = PoseResult('a', (4, 4), None)
    return [tracking.follow(result, frame and VideoFrame(*frame, 0.5, 10.0)) for frame in frames]


def test_every_video_starts_anew():
    tracking = VideoTracking({'type': 'RecordingTracker'})
    results = follow(tracking, ('x', 0), ('x', 2), None, ('y', 0), ('y', 1), ('x', 0))
    assert [
        *('built', 'reset', ('x', 0), ('x', 2)),
        *('reset', ('y', 0), ('y', 1)),
        *('reset', ('x', 0)),
    ] == CALLS
    names = [result.image_path for result in results]
    assert names == ['a tracked'] * 2 + ['a'] + ['a tracked'] * 3


def test_without_tracker_results_know_their_frame():
    with_frame, without = follow(VideoTracking(), ('x', 3), None)
    assert with_frame.video_frame == VideoFrame('x', 3, 0.5, 10.0)
    assert without.video_frame is None


def test_other_classes_are_refused():
    config = Config({'tracker': {'type': 'NoTracker'}})
    with raises(ConfigError, 'update', value='NoTracker', key='tracker.type'), building(config):
        VideoTracking(config.tracker)


@pytest.mark.parametrize(
    ('size', 'number', 'time', 'argument'),
    [
        ((5, 4), 2, 0.6, 'image_wh'),
        ((4, 4), 1, 0.6, 'frame'),
        ((4, 4), 2, 0.4, 'frame'),
    ],
)
def test_frames_out_of_order_or_of_another_size_are_refused(size, number, time, argument):
    tracking = VideoTracking({'type': 'RecordingTracker'})
    tracking.follow(PoseResult('x#1', (4, 4), None), VideoFrame('x', 1, 0.5, 10.0))
    with raises(DataError, argument=argument, path='x#2'):
        tracking.follow(PoseResult('x#2', size, None), VideoFrame('x', number, time, 10.0))
    tracking.follow(PoseResult('y#0', (5, 4), None), VideoFrame('y', 0, 0.0, 10.0))


def test_a_video_that_another_one_interrupts_is_refused():
    tracking = VideoTracking({'type': 'RecordingTracker'})
    follow(tracking, ('x', 0), ('y', 0))
    with raises(DataError, 'x', argument='frame', value=1):
        follow(tracking, ('x', 1))


def test_trackers_know_the_data_set():
    meta = {'category': ('cup',)}
    assert VideoTracking({'type': 'RecordingTracker'}, meta)._tracker.dataset_meta is meta
