from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.painting.shadows import draw_shadow_on_boxes, draw_shadows

from ..scenes import make_box, make_camera, make_light, make_scene

WHOLE = np.array([(-1.0, -1), (201, -1), (201, 161), (-1, 161)])


def shade(light, support=WHOLE):
    scene = make_scene([make_box(yaw=0.0)], camera=make_camera(roll=0.0), light=light)
    image = np.full((160, 200, 3), 200, dtype=np.uint8)
    draw_shadows(image, scene, support)
    return image[..., 0].astype(float), scene.camera


@pytest.mark.parametrize('side', [-1.0, 1.0], ids=['lamp left', 'lamp right'])
def test_shadow_falls_away_from_the_lamp(side):
    image, camera = shade(make_light((side, 1.0, 0.0)))
    for offset, is_dark in ((-side * 0.35, True), (side * 0.35, False)):
        x, y = np.round(camera.project([offset, 0.0, -1.2])).astype(int)
        assert (image[y, x] < 150) == is_dark


def test_depth_of_the_shadow():
    image, camera = shade(make_light((1.0, 1.0, 0.0), shadow=0.5))
    x, y = np.round(camera.project([-0.4, 0.0, -1.2])).astype(int)
    assert image[y, x] == pytest.approx(100, abs=8)


def test_no_shadow_beyond_the_support():
    left_half = np.array([(-1.0, -1), (100, -1), (100, 161), (-1, 161)])
    image, _ = shade(make_light((-1.0, 0.6, 0.0)), left_half)
    assert (image[:, 106:] == 200).all()
    assert image[:, :95].min() < 150


def test_a_box_in_the_air_has_a_fainter_shadow():
    tilt = cv2.Rodrigues(np.array([0.4, 0.2, 0.1]))[0]
    darkest = []
    for level in (0.0, 0.5):
        box = replace(make_box(), tilt=tilt, level=level)
        image = np.full((160, 200, 3), 200, dtype=np.uint8)
        light = make_light((0.3, 1.0, 0.0), shadow=0.6)
        draw_shadows(image, make_scene([box], light=light), WHOLE)
        darkest.append(image.min())
    assert darkest[0] < darkest[1] < 195


def test_an_upper_box_darkens_the_lower_one():
    lower = make_box()
    upper = replace(make_box(dims=(0.15, 0.2, 0.1)), level=lower.heights[1])
    scene = make_scene([lower, upper])
    image = np.full((160, 200, 3), 200, dtype=np.uint8)
    draw_shadow_on_boxes(image, scene, lower)
    assert (image == 200).all()
    draw_shadow_on_boxes(image, scene, upper)
    rows, columns = np.nonzero(image[..., 0] < 195)
    foot = scene.camera.project(upper.keypoints_world[[1, 2, 5, 6]])
    assert (foot.min(axis=0) > (columns.min() - 1, rows.min() - 1)).all()
    assert (foot.max(axis=0) < (columns.max() + 1, rows.max() + 1)).all()
