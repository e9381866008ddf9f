from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.render import render_scene
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.shapes.carton import PaintedFaces
from cpose.datasets.synthetic.visibility import box_hull

PLAIN = RealismSettings.plain()


def next_name(item):
    return next(iter(item))


def test_picture_is_repeatable_and_has_the_size_asked_for():
    realism = RealismSettings(reflection=1.0, defocus=1.0)
    scene = sample_scene(np.random.default_rng(0), (320, 240), (2, 2), realism)
    first, second = (render_scene(np.random.default_rng(1), scene, realism) for _ in range(2))
    assert first.shape == (240, 320, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, render_scene(np.random.default_rng(2), scene, realism))


EVERYTHING = {
    'free_pose': 0.5,
    'hands': 1.0,
    'stacks': 0.5,
    'flaps': 0.5,
    'negatives': 0.3,
    'people': (1, 2),
    'printed_solids': 0.5,
    'loose_items': (1, 3),
    'rolled': 0.5,
    'pitch_deg': (0.0, 90.0),
}


@pytest.mark.parametrize('seed', range(8))
def test_pictures_with_everything_are_repeatable(seed):
    realism = RealismSettings(**EVERYTHING, window_light=0.5, webcam=0.5, grey=0.3)
    pictures = []
    for _ in range(2):
        scene = sample_scene(np.random.default_rng(seed), (160, 120), (1, 3), realism)
        pictures.append(render_scene(np.random.default_rng(seed), scene, realism))
    np.testing.assert_array_equal(*pictures)
    assert pictures[0].shape == (120, 160, 3)


@pytest.mark.parametrize(
    'changes',
    [
        {'free_pose': 1.0},
        {'rolled': 1.0},
        {'slender': 1.0},
        {'stacks': 1.0},
        {'flaps': 1.0},
        {'negatives': 1.0},
        {'people': (1, 1)},
        {'loose_items': (2, 2)},
    ],
    ids=next_name,
)
def test_each_setting_changes_pictures(changes):
    plain, changed = (
        render_scene(
            np.random.default_rng(3),
            sample_scene(np.random.default_rng(3), (160, 120), (2, 2), realism),
            realism,
        )
        for realism in (PLAIN, replace(PLAIN, **changes))
    )
    assert (plain != changed).any(axis=2).mean() > 0.005


def test_hands_cover_what_they_hold():
    realism = replace(PLAIN, free_pose=1.0, hands=1.0, box_span=(0.5, 0.8))
    scene = sample_scene(np.random.default_rng(1), (160, 120), (1, 1), realism)
    assert scene.hands
    held, free = (
        render_scene(np.random.default_rng(0), item, PLAIN)
        for item in (scene, replace(scene, hands=[]))
    )
    changed = (held != free).any(axis=2)
    outline = scene.hands[0].front[0].outline
    mask = np.zeros((120, 160), dtype=np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1)
    assert changed[mask > 0].mean() > 0.95
    assert changed.mean() < 0.5


@pytest.mark.parametrize('free_pose', [0.0, 1.0], ids=['standing', 'free'])
@pytest.mark.parametrize('seed', range(6))
def test_boxes_fill_exactly_their_silhouettes(seed, free_pose, monkeypatch):
    realism = replace(PLAIN, free_pose=free_pose)
    scene = sample_scene(np.random.default_rng(seed), (320, 320), (1, 2), realism)
    with_boxes = render_scene(np.random.default_rng(7), scene, PLAIN)
    monkeypatch.setattr(PaintedFaces, 'draw', lambda *_: None)
    without = render_scene(np.random.default_rng(7), scene, PLAIN)
    found = (with_boxes != without).any(axis=2)
    expected = np.zeros((320, 320), dtype=np.uint8)
    for box in scene.boxes:
        hull = box_hull(scene.camera, box.keypoints_world)
        cv2.fillConvexPoly(expected, np.round(hull * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    overlap = (found & (expected > 0)).sum() / (found | (expected > 0)).sum()
    assert overlap > 0.98
