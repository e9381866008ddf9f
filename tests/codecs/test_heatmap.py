import numpy as np
import pytest
import torch
from torch.nn import functional

from cpose.codecs.heatmap import draw_gaussians, gather_cells, gaussian_radius, local_maxima


def test_radius_by_hand():
    # 20 x 20: -0.7 * 40 + sqrt(28**2 + 4 * 0.7 * 0.3 * 400) = -28 + 33.47
    boxes = np.array([[20.0, 20.0], [19.2, 19.9], [20.0, 21.0], [0.0, 0.0]])
    assert gaussian_radius(boxes).tolist() == [5, 5, 5, 0]


def test_radius_grows_with_the_box():
    sides = np.arange(1, 120)
    radius = gaussian_radius(np.stack([sides, sides], axis=-1))
    assert (np.diff(radius) >= 0).all()
    assert radius[-1] > 25


def test_gaussian_values_and_maximum():
    maps = torch.zeros(2, 9, 11)
    cells = torch.tensor([[3, 4], [5, 4], [10, 8]])
    draw_gaussians(maps, torch.tensor([0, 0, 1]), cells, torch.tensor([2, 2, 1]))
    sigma = 5 / 6
    assert maps[0, 4, 3] == 1
    assert maps[0, 4, 5] == 1
    assert maps[0, 4, 4].item() == pytest.approx(np.exp(-1 / (2 * sigma**2)))
    assert maps[0, 4, 0] == 0
    assert maps[1, 8, 10] == 1
    assert maps[1, 8, 9].item() == pytest.approx(np.exp(-1 / (2 * 0.5**2)))
    assert maps[1].count_nonzero() == 4


def test_no_points():
    maps = torch.zeros(1, 4, 4)
    empty = torch.zeros(0, dtype=torch.int64)
    assert draw_gaussians(maps, empty, torch.zeros(0, 2, dtype=torch.int64), empty).sum() == 0


@pytest.mark.parametrize('shape', [(2, 3, 16, 16), (1, 1, 5, 9), (1, 2, 1, 1)])
def test_local_maxima_equals_pooling(shape):
    heat = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    pooled = functional.max_pool2d(heat, 3, stride=1, padding=1)
    assert torch.equal(local_maxima(heat), heat * (pooled == heat))


def test_gather_cells():
    maps = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5).float()
    index = torch.tensor([[[7, 0]], [[19, 3]]])
    values = gather_cells(maps, index)
    assert values.shape == (2, 1, 2, 3)
    assert values[0, 0, 0].tolist() == maps[0, :, 1, 2].tolist()
    assert values[1, 0, 0].tolist() == maps[1, :, 3, 4].tolist()
