import numpy as np
import pytest

from cpose.datasets.synthetic.painting.materials import (
    LEVELS,
    MATERIALS,
    TILE,
    material_pyramid,
    tile_noise,
)


@pytest.mark.parametrize('name', MATERIALS)
def test_pyramid_halves_and_has_contrast(name):
    pyramid = material_pyramid(name, 0)
    assert [level.shape[0] for level in pyramid] == [TILE >> k for k in range(LEVELS)]
    assert all(level.dtype == np.uint8 for level in pyramid)
    assert pyramid[0].std() > 20
    assert not np.array_equal(pyramid[0], material_pyramid(name, 1)[0])


def test_noise_is_tileable_and_normal():
    noise = tile_noise(np.random.default_rng(0), 1.5)
    assert noise.std() == pytest.approx(1)
    inner = np.abs(np.diff(noise, axis=1)).mean()
    seam = np.abs(noise[:, 0] - noise[:, -1]).mean()
    assert seam < 1.5 * inner


def test_stretch_makes_fibres():
    noise = tile_noise(np.random.default_rng(0), 1.0, (12.0, 1.0))
    along = np.abs(np.diff(noise, axis=1)).mean()
    across = np.abs(np.diff(noise, axis=0)).mean()
    assert across > 2 * along
