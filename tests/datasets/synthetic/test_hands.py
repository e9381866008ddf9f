import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.hands import SMALLEST, Limb, sample_hands
from cpose.datasets.synthetic.visibility import box_hull, measure_visibility

from .scenes import IMAGE_WH, make_box, make_camera


def test_outline_of_a_straight_limb():
    limb = Limb(np.array([(0.0, 0), (10, 0), (20, 0)]), np.array([2.0, 3.0, 4.0]))
    low, high = limb.outline.min(axis=0), limb.outline.max(axis=0)
    np.testing.assert_allclose(low, [-2, -4], atol=0.01)
    np.testing.assert_allclose(high, [24, 4], atol=0.01)
    assert cv2.contourArea(limb.outline.astype(np.float32)) == pytest.approx(
        20 * 6 + np.pi * (4 + 16) / 2, rel=0.03
    )


def test_thinner_outline_lies_within():
    limb = Limb(np.array([(0.0, 0), (8, 5), (20, 6)]), np.array([4.0, 3.0, 3.5]))
    outline = limb.outline.astype(np.float32)
    for point in limb.inner_outline(0.5, np.array([0.2, -0.2])):
        assert cv2.pointPolygonTest(outline, point.tolist(), False) > 0


@pytest.mark.parametrize('seed', range(12))
def test_hands_hold_the_border(seed):
    camera, box = make_camera(), make_box()
    hands = sample_hands(np.random.default_rng(seed), camera, box, 3)
    assert 1 <= len(hands) <= 2
    hull = box_hull(camera, box.keypoints_world)
    for hand in hands:
        assert hand.box == 3
        assert hand.front
        assert hand.behind
        points = np.concatenate([limb.outline for limb in hand.front]).tolist()
        inside = [cv2.pointPolygonTest(hull, point, False) > 0 for point in points]
        assert any(inside)
        assert not all(inside)
        arm = np.concatenate([limb.outline for limb in (*hand.front, *hand.behind)])
        is_out = (arm < 0) | (arm > np.array(IMAGE_WH))
        assert is_out.any()


def test_what_is_far_away_is_not_held():
    camera, box = make_camera(), make_box(position=(0.0, -40.0))
    assert sample_hands(np.random.default_rng(0), camera, box, 0) == []
    assert SMALLEST > 0


def test_fingers_hide_part_of_their_box():
    camera, box = make_camera(), make_box()
    free = measure_visibility(camera, [box], [], [0])
    hands = sample_hands(np.random.default_rng(1), camera, box, 0)
    held = measure_visibility(camera, [box], [], [0], hands)
    mask = np.zeros(IMAGE_WH[::-1], dtype=np.uint8)
    cv2.fillConvexPoly(mask, np.round(box_hull(camera, box.keypoints_world)).astype(int), 1)
    whole = mask.sum()
    for hand in hands:
        for limb in hand.front:
            cv2.fillPoly(mask, [np.round(limb.outline).astype(np.int32)], 0)
    assert held[0] < free[0]
    assert held[0] == pytest.approx(mask.sum() / whole, abs=0.03)
