"""A network that follows objects gets the frame before, and what was found in it."""

import cv2
import numpy as np
import pytest
import torch

from cpose.apis.config.load import load_config
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.errors import ConfigError, DataError
from cpose.structures.object_pose import ObjectPose, PoseResult, VideoFrame
from cpose.structures.pose_data_sample import PoseDataSample
from cpose.tracking.frame_memory import FrameMemory

from ..codecs.scenes import slanted_box
from ..user_errors import raises

WH = (64, 64)


def make_batch(brightness, image_wh=WH):
    sample = PoseDataSample('frame', image_wh, WH, np.eye(2, 3))
    return {'inputs': [torch.full((3, 64, 64), brightness)], 'data_samples': [sample]}


def make_result(score=0.9, image_wh=WH):
    corners = slanted_box((30, 30), (20, 20))
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return PoseResult('frame', image_wh, None, [ObjectPose(score, 0, box, corners, np.ones(3))])


def frame(number, video='a'):
    return VideoFrame(video, number, number / 10, 10.0)


def recall(memory, brightness, place):
    """Return the brightness of the frame before and the peaks in it, None for no such frame."""
    known = memory.recall(make_batch(brightness), place)
    memory.keep(make_result())
    (pixels,), (sample,) = known['inputs'], known['data_samples']
    assert pixels[0, 0, 0] == brightness
    if len(pixels) == 3:
        assert sample.previous is None
        return None
    return int(pixels[3, 0, 0]), len(sample.previous.planes)


def test_frames_of_a_video_know_the_one_before():
    memory = FrameMemory()
    places = [frame(0), frame(1), frame(3), frame(0, 'b'), frame(1, 'b'), None, None, frame(0)]
    found = [recall(memory, 10 + n, place) for n, place in enumerate(places)]
    assert found == [None, (10, 9), (11, 9), None, (13, 9), None, None, None]


def test_frames_of_another_size_or_time_are_refused():
    memory = FrameMemory()
    recall(memory, 1, frame(1))
    with raises(DataError, argument='frame'):
        memory.recall(make_batch(2), frame(1))
    with raises(DataError, argument='image_wh', value=(32, 32)):
        memory.recall(make_batch(2, (32, 32)), frame(2))


def test_two_videos_at_once_are_refused():
    memory = FrameMemory()
    recall(memory, 1, frame(0))
    recall(memory, 2, frame(0, 'b'))
    with raises(DataError, argument='frame', value=1):
        memory.recall(make_batch(3), frame(1))


def track_config(**options):
    return load_config('dla34_track_cup', {'test_dataloader.dataset.input_wh': WH, **options})


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp('clips') / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 64))
    for brightness in (40, 120, 200):
        writer.write(np.full((64, 64, 3), brightness, dtype=np.uint8))
    writer.release()
    return path


@pytest.fixture(scope='module')
def inferencer():
    torch.manual_seed(0)
    return CenterPoseInferencer(track_config())


def watched(inferencer, monkeypatch):
    """Return a list to which the inputs of the network are added."""
    inputs = []
    forward = inferencer.runtime.model.forward
    monkeypatch.setattr(
        inferencer.runtime.model,
        'forward',
        lambda images, *rest, **named: (inputs.append(images), forward(images, *rest, **named))[1],
    )
    return inputs


@pytest.mark.slow
def test_a_video_end_to_end(inferencer, clip, monkeypatch):
    inputs = watched(inferencer, monkeypatch)
    results = list(inferencer([clip, clip], score_thr=0.0, camera=(60, 60, 32, 32)))
    assert len(results) == len(inputs) == 6
    assert all(result.poses for result in results)
    for number, tensor in enumerate(inputs):
        assert tensor.shape == (1, 15, 64, 64)
        is_first = number % 3 == 0
        before = tensor[:, :3] if is_first else inputs[number - 1][:, :3]
        assert torch.equal(tensor[:, 3:6], before)
        best = 0.0 if is_first else results[number - 1].poses[0].score
        assert tensor[:, 6].max().item() == pytest.approx(best, abs=1e-6)


def test_photographs_are_their_own_frame_before(inferencer, monkeypatch):
    inputs = watched(inferencer, monkeypatch)
    pictures = [np.full((64, 64, 3), brightness, dtype=np.uint8) for brightness in (40, 200)]
    assert len(list(inferencer(pictures, batch_size=2, score_thr=0.0))) == 2
    for tensor in inputs:
        assert torch.equal(tensor[:, :3], tensor[:, 3:6])
        assert not tensor[:, 6:].any()


@pytest.mark.parametrize('tracker', ['CornerTracker', 'PoseTracker'])
def test_the_tracker_sees_frames_first(inferencer, clip, monkeypatch, tracker):
    monkeypatch.setitem(inferencer.cfg._cfg_dict, 'tracker', {'type': tracker})
    results = list(inferencer(clip, score_thr=0.0, camera=(60, 60, 32, 32)))
    assert [result.video_frame.number for result in results] == [0, 1, 2]
    assert all(pose.track is not None for result in results for pose in result.poses)


def test_several_scales_are_refused():
    with raises(ConfigError, argument='scales'):
        CenterPoseInferencer(track_config(), scales=(0.5, 1))
