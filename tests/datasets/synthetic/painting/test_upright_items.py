import numpy as np

from cpose.datasets.synthetic.painting.upright_items import draw_upright_items

from ..scenes import make_camera, make_scene


def draw(count, seed=0):
    image = np.full((160, 200, 3), 128, dtype=np.uint8)
    scene = make_scene(camera=make_camera(pitch=0.1))
    draw_upright_items(np.random.default_rng(seed), image, scene, count, gap=1.0)
    return image


def test_panels_are_drawn():
    shares = [(draw(4, seed) != 128).any(axis=2).mean() for seed in range(8)]
    assert np.median(shares) > 0.05


def test_none_are_drawn_when_none_are_wanted():
    assert (draw(0) == 128).all()


def test_same_seed_same_panels():
    np.testing.assert_array_equal(draw(3, 4), draw(3, 4))
    assert not np.array_equal(draw(3, 4), draw(3, 5))
