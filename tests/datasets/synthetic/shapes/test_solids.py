from dataclasses import replace

import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.shapes.solids import PROFILES, SIDES, Solid, draw_solid, sample_solid
from cpose.datasets.synthetic.visibility import outline_hull

from ..scenes import make_camera


def make_can(position=(0.1, -1.0), colour=200.0):
    profile = np.array([(0.15, 0.0), (0.15, 0.3)])
    return Solid(np.array(position), profile, np.full((2, 3), colour))


def test_rings_lie_on_the_cylinder():
    can = make_can()
    rings = can.rings_world
    assert rings.shape == (2, SIDES, 3)
    np.testing.assert_allclose(rings[..., 1], [[0.0] * SIDES, [0.3] * SIDES])
    np.testing.assert_allclose(np.hypot(rings[..., 0] - 0.1, rings[..., 2] + 1), 0.15)


def test_footprint_is_around_the_widest_ring():
    can = make_can()
    outline = can.footprint.astype(np.float32)
    for point in can.rings_world[0][:, [0, 2]]:
        assert cv2.pointPolygonTest(outline, point.tolist(), True) > -1e-6


def test_drawn_can_fills_its_outline():
    camera, can = make_camera(), make_can()
    image = np.zeros((160, 200, 3), dtype=np.uint8)
    draw_solid(image, camera, can, np.array([0.0, 1.0, 0.0]), ambient=0.6)
    expected = np.zeros((160, 200), dtype=np.uint8)
    hull = np.round(outline_hull(camera, can.outline_world)).astype(np.int32)
    cv2.fillConvexPoly(expected, hull, 255)
    found = image.max(axis=2) > 0
    assert found[cv2.erode(expected, np.ones((3, 3))) > 0].all()
    assert not found[cv2.dilate(expected, np.ones((5, 5))) == 0].any()


def test_lit_side_is_brighter():
    camera, can = make_camera(roll=0.0), make_can(position=(0.0, -1.0))
    image = np.zeros((160, 200, 3), dtype=np.uint8)
    draw_solid(image, camera, can, np.array([1.0, 0.0, 0.0]), ambient=0.3)
    middle = camera.project([0.0, 0.15, -0.85])
    x, y = np.round(middle).astype(int)
    assert image[y, x + 15].mean() > image[y, x - 15].mean() + 40


@pytest.mark.parametrize(('name', 'rings'), PROFILES, ids=lambda item: str(item)[:6])
def test_profiles_go_up_and_stay_slender(name, rings):
    radius, height = np.array(rings).T
    assert height[0] == 0
    assert (np.diff(height) > 0).all()
    assert radius.min() > 0
    assert radius.max() < 1


def test_samples_scale_with_the_height():
    small, large = (
        sample_solid(np.random.default_rng(3), np.array([0.0, -1.0]), height)
        for height in (0.1, 0.4)
    )
    np.testing.assert_allclose(large.profile, 4 * small.profile)
    assert small.colours.shape == (len(small.profile), 3)


def test_print_changes_the_side_and_nothing_else():
    camera = make_camera()
    plain = Solid(
        np.array([0.0, -1.2]), np.array([(0.15, 0.0), (0.15, 0.4)]), np.full((2, 3), 90.0)
    )
    pictures = []
    for solid in (plain, replace(plain, label_seed=5)):
        image = np.zeros((160, 200, 3), dtype=np.uint8)
        draw_solid(image, camera, solid, np.array([0.0, 1.0, 0.0]), 0.6)
        pictures.append(image)
    before, after = ((picture > 0).any(axis=2) for picture in pictures)
    assert (before != after).mean() < 0.005
    changed = (pictures[0] != pictures[1]).any(axis=2)
    assert 0.3 < changed.sum() / before.sum() < 0.95


def test_prints_are_drawn_where_wanted():
    rng = np.random.default_rng(0)
    seeds = [sample_solid(rng, np.zeros(2), 0.2, printed=1.0).label_seed for _ in range(3)]
    assert len(set(seeds)) == 3
    assert sample_solid(rng, np.zeros(2), 0.2).label_seed is None
