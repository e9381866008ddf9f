import numpy as np
import pytest

from cpose.datasets.synthetic.boxes import Box
from cpose.datasets.synthetic.shapes.lathe import Easel, Profile, ring_outline

from ..scenes import IMAGE_WH, make_camera

HEIGHTS = np.linspace(0.01, 0.99, 40)
WALL = 0.72 + 0.28 * np.sin(6 * HEIGHTS)
VASE = Profile(np.r_[0.0, HEIGHTS, 1.0], np.r_[0.01, WALL / WALL.max(), 0.01])
"""Wide, narrow and closed at both ends."""


class VaseForm:
    rest = None
    carries = False
    outline = ring_outline(VASE)


def make_easel(camera=None, is_mirrored=False, tilt=None):
    box = Box(np.array([0.3, 0.4, 0.3]), np.array([0.0, -1.2]), 0.4, form=VaseForm())
    if tilt is not None:
        box = Box(box.dims, box.position, 0.4, tilt, form=VaseForm())
    image = np.zeros((IMAGE_WH[1], IMAGE_WH[0], 3), dtype=np.uint8)
    return Easel(image, camera or make_camera(), box, is_mirrored), VASE.scaled(box.dims)


def pixels_of(easel, numbers):
    width = easel.layer.shape[1]
    return np.stack([numbers % width, numbers // width], axis=1)


CASES = {
    'above': {},
    'level': {'camera': make_camera(pitch=0.1, height=0.2)},
    'lying': {'tilt': np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])},
    'mirrored': {'is_mirrored': True},
}


@pytest.mark.parametrize('changes', CASES.values(), ids=CASES)
def test_hits_lie_on_the_surface_and_on_their_rays(changes):
    easel, profile = make_easel(**changes)
    hits = easel.trace(profile)
    x, height, z = hits.points
    radius = np.interp(height, profile.heights, profile.radii)
    is_wall = (height > 0.006) & (height < 0.394)
    off = np.abs(np.hypot(x, z) - radius)[is_wall]
    assert len(hits.pixels) > 2000
    assert np.median(off) < 1e-6
    # Bands end at whole pixels, of 3.5 mm: there the ray meets the next cone.
    assert np.percentile(off, 95) < 3.5e-3
    away = np.linalg.norm(easel.to_layer(hits.points.T) - pixels_of(easel, hits.pixels), axis=1)
    assert np.median(away) < 0.01
    assert np.percentile(away, 95) < 1


@pytest.mark.parametrize('changes', CASES.values(), ids=CASES)
def test_visible_points_face_the_camera(changes):
    easel, profile = make_easel(**changes)
    hits = easel.trace(profile)
    normals = hits.normals()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=0), 1, atol=1e-5)
    facing = ((easel.eye[:, None] - hits.points) * normals).sum(axis=0)
    # Slopes are smoothed over bands, so normals at their borders may point away a little.
    assert (facing > -0.05).mean() > 0.97


def test_the_inside_is_seen_from_above_only():
    easel, profile = make_easel(camera=make_camera(pitch=0.6, height=0.9))
    profile = Profile(profile.heights[:-1], profile.radii[:-1])
    hits, bottom = easel.trace_inside(profile)
    assert len(hits.pixels) > 100
    x, height, z = hits.points
    radius = np.interp(height, profile.heights, profile.radii)
    assert np.percentile(np.abs(np.hypot(x, z) - radius), 90) < 3.5e-3
    assert not np.intersect1d(hits.pixels, bottom).size
    easel, profile = make_easel(camera=make_camera(pitch=0.1, height=0.2))
    hits, bottom = easel.trace_inside(profile)
    assert len(hits.pixels) == len(bottom) == 0


def test_an_untouched_layer_leaves_the_picture():
    camera = make_camera()
    box = Box(np.array([0.3, 0.4, 0.3]), np.array([0.0, -1.2]), 0.4, form=VaseForm())
    image = np.random.default_rng(0).integers(0, 255, (IMAGE_WH[1], IMAGE_WH[0], 3), np.uint8)
    before = image.copy()
    easel = Easel(image, camera, box, is_mirrored=False)
    assert easel.scale == 2
    easel.finish()
    np.testing.assert_array_equal(image, before)
