"""Motions of centres and corners, from targets to results."""

from dataclasses import replace

import numpy as np
import torch

from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.structures.previous_frame import PreviousFrame

from ...head_parts import make_branches, make_postprocessor
from ..scenes import make_sample, perfect_maps, slanted_box

L1 = {'type': 'MaskedL1Loss'}
BRANCHES = make_branches(
    tracking={'type': 'CenterTrackingBranch', 'loss': L1},
    tracking_hp={'type': 'CornerTrackingBranch', 'loss': L1},
)
MOTION = np.array([8.0, -6.0])
"""Where objects come from, input pixels."""


def make_frame(centers, corners):
    empty = np.zeros(0, dtype=np.int64)
    return PreviousFrame(empty, np.zeros((0, 2)), empty, np.zeros(0), centers, corners)


def make_moved(is_known=(True,)):
    boxes = [slanted_box((60 + 30 * n, 60), (41, 37)) for n in range(len(is_known))]
    sample = make_sample(np.array(boxes)[:, None])
    corners = np.array(boxes) + MOTION
    centers = (corners.min(axis=1) + corners.max(axis=1)) / 2
    unknown = ~np.array(is_known)
    centers[unknown], corners[unknown] = np.nan, np.nan
    return replace(sample, previous=make_frame(centers, corners))


def encode(sample):
    codec = CenterPoseCodec(branches=BRANCHES)
    return codec, codec.encode([sample])


def test_targets_are_the_way_back_in_cells():
    _, targets = encode(make_moved())
    corners = targets['corner_motion'][0, 0, 0].view(8, 2)
    torch.testing.assert_close(corners, torch.tensor(MOTION / 4).float().expand(8, 2))
    center = targets['center_motion'] - targets['center_offset']
    torch.testing.assert_close(center[0, 0, 0], torch.tensor(MOTION / 4).float())
    assert targets['center_motion_mask'].all()
    assert targets['corner_motion_mask'].all()


def test_lost_objects_have_no_target():
    _, targets = encode(make_moved(is_known=(True, False)))
    for name, size in (('center_motion', 2), ('corner_motion', 16)):
        mask = targets[f'{name}_mask'][0, 0]
        assert mask.sum(dim=-1).tolist() == [size, 0]
        assert torch.isfinite(targets[name]).all()


def test_without_a_frame_before_nothing_is_trained():
    _, targets = encode(replace(make_moved(), previous=None))
    assert not targets['center_motion_mask'].any()
    assert not targets['corner_motion_mask'].any()


def test_targets_come_back_as_pixels_of_the_image():
    sample = make_moved()
    codec, targets = encode(sample)
    maps = perfect_maps(codec, targets, (32, 32))
    for name, target in (('tracking', 'center_motion'), ('tracking_hp', 'corner_motion')):
        value = targets[target][0, 0, 0]
        maps[name] = value.view(1, -1, 1, 1).expand(1, -1, 32, 32).contiguous()
    decoded = codec.decode(maps)
    assert list(decoded)[7:] == ['tracking', 'tracking_hp']
    turned = replace(sample, input_from_image=np.array([[0, -2.0, 256], [2.0, 0, 0]]))
    process = make_postprocessor(branches=BRANCHES)
    straight, rotated = (process(decoded, [view])[0][0].extras for view in (sample, turned))
    np.testing.assert_allclose(straight['tracking'], MOTION, atol=1e-4)
    np.testing.assert_allclose(straight['tracking_hp'], [MOTION] * 8, atol=1e-4)
    np.testing.assert_allclose(rotated['tracking'], [-3, -4], atol=1e-4)
    np.testing.assert_allclose(rotated['tracking_hp'], [[-3, -4]] * 8, atol=1e-4)
