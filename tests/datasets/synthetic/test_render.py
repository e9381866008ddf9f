import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic import render
from cpose.datasets.synthetic.render import render_scene
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.visibility import box_hull

PLAIN = RealismSettings.plain()


def test_picture_is_repeatable_and_has_the_size_asked_for():
    realism = RealismSettings(reflection=1.0, defocus=1.0)
    scene = sample_scene(np.random.default_rng(0), (320, 240), (2, 2), realism)
    first, second = (render_scene(np.random.default_rng(1), scene, realism) for _ in range(2))
    assert first.shape == (240, 320, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, render_scene(np.random.default_rng(2), scene, realism))


@pytest.mark.parametrize('seed', range(6))
def test_boxes_fill_exactly_their_silhouettes(seed, monkeypatch):
    scene = sample_scene(np.random.default_rng(seed), (320, 320), (1, 2), PLAIN)
    with_boxes = render_scene(np.random.default_rng(7), scene, PLAIN)
    monkeypatch.setattr(render, 'draw_box', lambda *_: None)
    without = render_scene(np.random.default_rng(7), scene, PLAIN)
    found = (with_boxes != without).any(axis=2)
    expected = np.zeros((320, 320), dtype=np.uint8)
    for box in scene.boxes:
        hull = box_hull(scene.camera, box.keypoints_world)
        cv2.fillConvexPoly(expected, np.round(hull * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    overlap = (found & (expected > 0)).sum() / (found | (expected > 0)).sum()
    assert overlap > 0.98
