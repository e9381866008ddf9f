import numpy as np

from cpose.datasets.synthetic.painting.flat_items import draw_flat_items

from ..scenes import make_scene

WHOLE = np.array([(0.0, 0), (200, 0), (200, 160), (0, 160)])


def draw(support, count, seed=0):
    image = np.full((160, 200, 3), 128, dtype=np.uint8)
    draw_flat_items(np.random.default_rng(seed), image, make_scene(), support, count)
    return image


def test_items_lie_on_the_support():
    changed = [bool((draw(WHOLE, 6, seed) != 128).any()) for seed in range(8)]
    assert sum(changed) >= 6


def test_nothing_beyond_the_support():
    nowhere = WHOLE + 5000
    assert (draw(nowhere, 6) == 128).all()
    assert (draw(np.zeros((0, 2)), 6) == 128).all()
    assert (draw(WHOLE, 0) == 128).all()
