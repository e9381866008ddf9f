import threading
import time

import cv2
import numpy as np
import pytest

from cpose.apis.inference import video_frames
from cpose.apis.inference.newest_frame import NewestFrame, reading
from cpose.apis.inference.video_frames import is_live, live_name, read_frames
from cpose.errors import DataError

from ...user_errors import raises


def test_the_newest_wins():
    newest = NewestFrame()
    for number in range(5):
        newest.put(number)
    newest.close()
    arrivals = list(newest)
    assert [(arrival.item, arrival.number) for arrival in arrivals] == [(4, 4)]
    assert arrivals[0].received <= time.monotonic()


def test_a_slow_taker_leaves_frames_out_and_ends_with_the_camera():
    items, may_read = iter(range(20)), threading.Event()

    def read():
        item = next(items, None)
        if item == 10:
            may_read.wait(5)
        return item

    taken = []
    with reading(read) as newest:
        for arrival in newest:
            taken.append(arrival.number)
            if arrival.number >= 9:
                may_read.set()
    assert taken == sorted(set(taken))
    assert taken[-1] == 19
    assert len(taken) <= 13


def test_errors_of_the_camera_reach_the_taker():
    def read():
        raise OSError('unplugged')

    with reading(read) as newest, pytest.raises(OSError, match='unplugged'):
        list(newest)


class Camera:
    """A camera of a hundred frames a second."""

    def __init__(self, *_):
        self.count = 0

    def get(self, name):
        return {cv2.CAP_PROP_FPS: 100.0, cv2.CAP_PROP_FRAME_COUNT: -1.0}.get(name, 8.0)

    def read(self):
        time.sleep(0.01)
        self.count += 1
        return self.count <= 40, np.full((8, 8, 3), self.count, np.uint8)

    def release(self):
        pass


def test_a_camera_is_never_far_ahead(monkeypatch):
    """While each frame takes 50 ms, four of five are left out, and none is old when it comes."""
    monkeypatch.setattr(video_frames.cv2, 'VideoCapture', Camera)
    frames, ages = [], []
    for frame, image in read_frames('webcam:0', 'webcam_0'):
        ages.append(time.monotonic() - frame.received)
        assert image[0, 0, 0] == frame.number + 1
        frames.append(frame)
        time.sleep(0.05)
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 30
    assert frames[0].time == 0
    assert all(frame.time > 0 for frame in frames[1:])
    assert np.median(ages) < 0.05


def test_pipelines_of_gstreamer():
    source = 'gst:videotestsrc ! videoconvert ! appsink'
    assert is_live(source)
    assert live_name(source) == 'gstreamer'
    if cv2.CAP_GSTREAMER not in cv2.videoio_registry.getStreamBackends():
        with raises(DataError, argument='inputs', value=source):
            next(read_frames(source, 'gstreamer'))
