import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.painting.materials import TILE, material_pyramid, ramp
from cpose.datasets.synthetic.painting.planes import PlaneMaterial, draw_plane

from ..scenes import make_camera

GREYS = ramp(np.zeros(3), np.full(3, 255.0))
FLOOR_AXES = np.array([[1.0, 0, 0], [0, 0, 1.0]])


def make_material(tile=1.0, name='marble'):
    return PlaneMaterial(name, 0, GREYS, tile)


def draw(polygon, axes=FLOOR_AXES, material=None, camera=None, reduction=1):
    image = np.zeros((160, 200, 3), dtype=np.uint8)
    camera, material = camera or make_camera(), material or make_material()
    outline = draw_plane(image, camera, np.array(polygon), axes, material, reduction)
    return image, outline, camera


def test_outline_is_the_projection_of_the_corners():
    polygon = np.array([(-0.4, 0, -1.6), (0.4, 0, -1.6), (0.4, 0, -0.9), (-0.4, 0, -0.9)])
    image, outline, camera = draw(polygon)
    np.testing.assert_allclose(outline, camera.project(polygon))
    assert image[80, 100].any()
    assert not image[2].any()


def test_texture_lies_in_the_plane():
    polygon = np.array([(-1.0, 0, -2.4), (1.0, 0, -2.4), (1.0, 0, -0.8), (-1.0, 0, -0.8)])
    tile = 2.0
    image, _, camera = draw(polygon, material=make_material(tile))
    texture = material_pyramid('marble', 0)[0].astype(float)
    rng = np.random.default_rng(0)
    found, expected = [], []
    for _ in range(300):
        point = np.array([rng.uniform(-0.5, 0.5), 0.0, rng.uniform(-1.6, -1.0)])
        x, y = np.round(camera.project(point)).astype(int)
        texel = ((point - polygon[0]) * TILE / tile).astype(int) % TILE
        found.append(float(image[y, x, 0]))
        around = np.arange(-3, 4)
        rows, columns = (texel[2] + around) % TILE, (texel[0] + around) % TILE
        expected.append(texture[np.ix_(rows, columns)].mean())
    assert np.corrcoef(found, expected)[0, 1] > 0.8


def test_reduced_texture_lies_in_the_same_place_and_keeps_sharp_borders():
    polygon = np.array([(-0.6, 0, -2.0), (0.6, 0, -2.0), (0.6, 0, -0.9), (-0.6, 0, -0.9)])
    material = make_material(tile=2.0, name='carpet')
    full, _, _ = draw(polygon, material=material)
    half, _, _ = draw(polygon, material=material, reduction=2)
    blurred = cv2.GaussianBlur(full, (0, 0), 1.0)
    inside = cv2.erode((full[..., 0] > 0).astype(np.uint8), np.ones((9, 9))) > 0
    likeness = {
        shift: np.corrcoef(half[inside, 0], np.roll(blurred[..., 0], shift, (0, 1))[inside])[0, 1]
        for shift in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))
    }
    assert max(likeness, key=likeness.get) == (0, 0)
    assert likeness[0, 0] > 0.9
    np.testing.assert_array_equal(half.any(axis=2), full.any(axis=2))


def test_plane_to_the_horizon_covers_the_lower_part():
    polygon = np.array([(-40.0, 0, -40), (40, 0, -40), (40, 0, 1), (-40, 0, 1)])
    camera = make_camera(pitch=0.1, roll=0.0)
    image, _, _ = draw(polygon, material=make_material(0.05, 'carpet'), camera=camera)
    horizon = 78 - 176 * np.tan(0.1)
    assert not image[: int(horizon) - 2].any()
    assert (image[int(horizon) + 8 :].max(axis=2) > 0).mean() > 0.9


@pytest.mark.parametrize('shift', [(0, 0, 10.0), (90.0, 0, 0)], ids=['behind', 'beside'])
def test_plane_out_of_view_is_not_drawn(shift):
    polygon = np.array([(-0.4, 0, -1.6), (0.4, 0, -1.6), (0.4, 0, -0.9), (-0.4, 0, -0.9)])
    image, outline, _ = draw(polygon + np.array(shift))
    assert not image.any()
    assert len(outline) == 0
