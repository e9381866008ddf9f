"""With Blender: geometry, light and annotation of rendered pictures agree."""

import cv2
import numpy as np
import pytest

pytest.importorskip('bpy', reason='Blender as a Python package (bpy) is not installed')

from pathtraced_boxes.assets import Assets
from pathtraced_boxes.blender import build, render, visible_shares
from pathtraced_boxes.pictures import PathTracedPictures
from pathtraced_boxes.room import Quad, Room

from cpose.datasets.synthetic.painting.box_painter import FACE_CORNERS
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic.visibility import box_hull

SIZE = (160, 120)
FINE = 8


def white_room(scene, surfaces=()):
    white, black = np.full((8, 8, 3), 255, np.uint8), np.zeros((8, 8, 3), np.uint8)
    faces = [
        Quad(box.keypoints_world[list(numbers)], white, glow=3.0)
        for box in scene.boxes
        for numbers in FACE_CORNERS.values()
    ]
    floor = np.array([(-50, -0.01, -50), (50, -0.01, -50), (50, -0.01, 50), (-50, -0.01, 50)])
    return Room(faces, [Quad(floor, black), *surfaces], [], None, 0.0, 0.0, 0.3, 'Standard')


@pytest.mark.parametrize('seed', range(3))
def test_silhouette_is_that_of_the_annotation(tmp_path, seed):
    realism = RealismSettings.from_config(
        {'odd_camera': 1.0, 'solids': (0, 0), 'box_span': (0.6, 0.9)}
    )
    scene = sample_scene(np.random.default_rng(seed), SIZE, (1, 1), realism)
    render(scene, white_room(scene), 0, 16, 2, tmp_path / 'a.png')
    grey = cv2.imread(str(tmp_path / 'a.png')).min(axis=2)
    seen = grey > (int(grey.max()) + int(np.median(grey))) // 2
    hull = box_hull(scene.camera, scene.boxes[0].keypoints_world)
    expected = np.zeros((SIZE[1] * FINE, SIZE[0] * FINE), np.uint8)
    cv2.fillConvexPoly(expected, np.round((hull + 0.5) * FINE - 0.5).astype(np.int32), 255)
    expected = cv2.resize(expected, SIZE, interpolation=cv2.INTER_AREA) > 127
    assert (seen & expected).sum() / (seen | expected).sum() > 0.98
    moments = [cv2.moments(mask.astype(np.uint8), binaryImage=True) for mask in (seen, expected)]
    centres = [np.array([m['m10'], m['m01']]) / m['m00'] for m in moments]
    assert np.abs(centres[0] - centres[1]).max() < 0.3, 'shifted by a part of a pixel'


def test_visible_share_behind_a_screen():
    scene = sample_scene(np.random.default_rng(1), SIZE, (1, 1), RealismSettings.plain())
    build(scene, white_room(scene))
    free = visible_shares(scene)
    assert free[0] > 0.97
    middle = scene.boxes[0].keypoints_world[0] * 0.5 + scene.camera.position * 0.5
    right, up = scene.camera.cv_from_world[0], -scene.camera.cv_from_world[1]
    corners = [middle - 9 * right + s * up for s in (9, 9, -9, -9)]
    corners[1], corners[2] = middle + 9 * up, middle - 9 * up  # covers the left half
    screen = Quad(np.array(corners), np.zeros((8, 8, 3), np.uint8))
    build(scene, white_room(scene, [screen]))
    assert 0.15 < visible_shares(scene)[0] < 0.85


def test_same_picture_again_and_by_number(tmp_path):
    pictures = PathTracedPictures(Assets(), (96, 96), seed=3, samples=2, threads=1)
    first, other, again = pictures.record(4), pictures.record(5), pictures.record(4)
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != other.image).any()
    assert 20 < first.image.mean() < 220
    assert len(first.annotations) == len(first.symmetries)
