"""Objects that were found, as heatmaps for the next frame."""

import numpy as np
import pytest
import torch

from cpose.codecs.tracking.previous_heatmaps import (
    corner_heights,
    draw_previous,
    frame_of_peaks,
    peaks_of_poses,
)
from cpose.structures.object_pose import ObjectPose
from cpose.structures.pose_data_sample import PoseDataSample

from ..scenes import slanted_box

SAMPLE = PoseDataSample('frame', (256, 256), (128, 128), np.array([[0.5, 0, 0], [0, 0.5, 0]]))
"""Input pixels are two image pixels wide."""


def make_pose(center=(100, 120), score=0.8, std=None, **fields):
    corners = slanted_box(center, (60, 40))
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    extras = {} if std is None else {'keypoints_std': np.full((8, 2), std)}
    return ObjectPose(score, 0, box, corners, np.ones(3), extras=extras, **fields)


def draw(*poses):
    frame = frame_of_peaks(peaks_of_poses(poses, SAMPLE), SAMPLE.input_wh)
    return draw_previous([frame], (128, 128), 'cpu')[0].numpy()


def test_a_centre_is_as_high_as_its_score():
    pose = make_pose(score=0.7)
    left, top, right, bottom = pose.bbox_image / 2
    maps = draw(pose)
    row, column = int((top + bottom) / 2), int((left + right) / 2)
    assert maps[0].max() == maps[0, row, column] == np.float32(0.7)


def test_corners_are_where_they_were_found():
    pose = make_pose(score=0.6)
    maps = draw(pose)
    for corner, plane in zip(pose.corners_image / 2, maps[1:], strict=True):
        column, row = corner.astype(int)
        assert plane[row, column] == plane.max() == np.float32(0.6)


def test_corners_of_the_pose_come_first():
    posed = np.concatenate([[[0, 0]], slanted_box((140, 120), (60, 40))])
    maps = draw(make_pose(keypoints_image=posed))
    column, row = (posed[1] / 2).astype(int)
    assert maps[1, row, column] == maps[1].max() > 0


@pytest.mark.parametrize(('std', 'height'), [(3, 0.85), (9, 0.0), (20, 0.0)])
def test_the_less_certain_the_lower(std, height):
    np.testing.assert_allclose(corner_heights(np.array([std, 0.0])), height, atol=1e-12)
    each = std / np.sqrt(2)
    assert draw(make_pose(std=each))[1].max() == pytest.approx(height, abs=1e-6)


def test_peaks_off_the_image_are_left_out():
    pose = make_pose(center=(10, 120))
    is_off = pose.corners_image[:, 0] < 0
    assert 0 < is_off.sum() < 8
    heights = draw(pose)[1:].max(axis=(1, 2))
    assert ((heights == 0) == is_off).all()


def test_an_object_off_the_input_has_no_peaks():
    assert not draw(make_pose(center=(600, 120))).any()


def test_nothing_found_and_nothing_before():
    assert not draw().any()
    maps = draw_previous([None, None], (32, 64), 'cpu')
    assert maps.shape == (2, 9, 32, 64)
    assert not maps.any()


def test_images_of_a_batch_keep_their_own():
    frames = [
        frame_of_peaks(peaks_of_poses([make_pose(center)], SAMPLE), SAMPLE.input_wh)
        for center in ((60, 60), (180, 180))
    ]
    both = draw_previous([frames[0], None, frames[1]], (128, 128), 'cpu')
    assert torch.equal(both[0], draw_previous(frames[:1], (128, 128), 'cpu')[0])
    assert not both[1].any()
    assert torch.equal(both[2], draw_previous(frames[1:], (128, 128), 'cpu')[0])
