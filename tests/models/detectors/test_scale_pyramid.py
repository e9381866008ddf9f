from dataclasses import replace

import numpy as np
import pytest

from cpose.errors import ConfigError
from cpose.models.detectors.scale_pyramid import (
    merge_poses,
    merge_results,
    pyramid_sizes,
    trust_poses,
)
from cpose.structures.object_pose import ObjectPose, PoseResult

from ...user_errors import raises


def pose(score, box, label=0):
    return ObjectPose(score, label, np.array(box, dtype=float), np.zeros((8, 2)), np.ones(3))


LARGE = (0, 0, 100, 100)
NEARLY = (5, 0, 105, 100)
SMALL = (200, 10, 220, 30)


def test_sides_are_multiples_of_32():
    assert pyramid_sizes((1,), (320, 192)) == [(320, 192)]
    assert pyramid_sizes((0.5, 1, 2), (320, 192)) == [(160, 96), (320, 192), (640, 384)]
    assert pyramid_sizes((0.7, 0.01), (320, 192)) == [(224, 128), (32, 32)]
    assert pyramid_sizes([2.0, 1], (512, 512)) == [(1024, 1024), (512, 512)]


@pytest.mark.parametrize('scales', [(), '1', 2.0, (0,), (-1,), (1, float('nan')), (1, 'a'), (99,)])
def test_wrong_scales(scales):
    with raises(ConfigError, argument='scales'):
        pyramid_sizes(scales, (320, 320))


def test_scales_that_lead_to_the_same_size():
    with raises(ConfigError, argument='scales', value=[1, 1.02]):
        pyramid_sizes((1, 1.02), (320, 320))


def test_one_pose_per_object():
    first = [pose(0.9, LARGE), pose(0.4, SMALL)]
    second = [pose(0.7, SMALL), pose(0.5, NEARLY)]
    third = [pose(0.6, NEARLY)]
    merged = merge_poses([first, second, third])
    assert [item.score for item in merged] == [0.9, 0.7]
    assert merged[0] is first[0]
    assert merged[1] is second[0]


def test_other_categories_and_other_places_stay():
    merged = merge_poses([[pose(0.9, LARGE)], [pose(0.8, NEARLY, label=1), pose(0.3, SMALL)]])
    assert [item.score for item in merged] == [0.9, 0.8, 0.3]


def test_what_one_size_tells_apart_stays_apart():
    merged = merge_poses([[pose(0.9, LARGE), pose(0.6, NEARLY)], [pose(0.2, SMALL)]])
    assert [item.score for item in merged] == [0.9, 0.6, 0.2]


def test_nothing_found():
    assert merge_poses([[], []]) == []
    assert [item.score for item in merge_poses([[], [pose(0.5, SMALL)]])] == [0.5]


def test_results():
    result = PoseResult('a.jpg', (640, 480), np.eye(3), [pose(0.4, SMALL)])
    assert merge_results([result], [1]) is result
    merged = merge_results([result, replace(result, poses=[pose(0.8, SMALL)])], [1, 5])
    assert [item.score for item in merged.poses] == [0.8]
    assert merged.image_path == 'a.jpg'
    assert merged.intrinsics is result.intrinsics


@pytest.mark.parametrize(
    ('scales', 'scale', 'kept'),
    [
        ((1, 2), 1, [100, 150, 180, 200, 380, 390]),
        ((1, 2), 2, [40, 90, 100, 150, 180]),
        ((0.5, 1, 2), 1, [100, 150, 180, 200, 380]),
        ((0.5, 1), 0.5, [200, 380, 390]),
    ],
)
def test_each_size_is_trusted_with_the_boxes_that_it_shows_best(scales, scale, kept):
    boxes = [(0, 10, side, 10 + side / 2) for side in (40, 90, 100, 150, 180, 200, 380, 390)]
    result = PoseResult('a.jpg', (640, 480), np.eye(3), [pose(0.5, box) for box in boxes])
    trusted = trust_poses(result, scale, scales)
    assert [item.bbox_image[2] for item in trusted] == kept
