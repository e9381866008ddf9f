import numpy as np
import pytest
import torch
from torch.nn import functional

from cpose.codecs.heatmap import (
    draw_gaussians,
    gather_cells,
    gaussian_radius,
    suppress_non_peaks,
    top_cells,
)


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
@pytest.mark.parametrize('decimals', [1, 7], ids=['many equal', 'all different'])
def test_peaks_equal_pooling(shape, decimals):
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0)).round(decimals=decimals)
    before = logits.clone()
    kept = suppress_non_peaks(logits)
    is_peak = functional.max_pool2d(logits, 3, stride=1, padding=1) == logits
    assert torch.equal(logits, before)
    assert torch.equal(kept[is_peak], logits[is_peak])
    assert (kept[~is_peak] < -9000).all()
    assert (kept[~is_peak].sigmoid() == 0).all()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float64])
def test_peaks_of_any_format(dtype):
    logits = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    kept = suppress_non_peaks(logits)
    last = suppress_non_peaks(logits.contiguous(memory_format=torch.channels_last))
    assert kept.dtype is torch.float32
    assert torch.equal(kept, last)
    assert last.is_contiguous()
    assert torch.equal(kept[kept > -9000], logits.float()[kept > -9000])


@pytest.mark.parametrize('cells', [3, 100, 816, 1000, 1001, 4096])
@pytest.mark.parametrize('decimals', [1, 7], ids=['many equal', 'all different'])
def test_top_cells_equal_topk(cells, decimals):
    generator = torch.Generator().manual_seed(cells)
    values = torch.randn(3, 2, cells, generator=generator).round(decimals=decimals)
    best, index = top_cells(values, 100)
    expected = values.topk(min(100, cells), dim=-1)
    assert torch.equal(best, expected.values)
    assert torch.equal(values.gather(-1, index), best)
    assert all(len(set(row.tolist())) == len(row) for row in index.flatten(0, 1))
    if decimals == 7:
        assert torch.equal(index, expected.indices)


def test_gather_cells():
    maps = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5).float()
    index = torch.tensor([[[7, 0]], [[19, 3]]])
    values = gather_cells(maps, index)
    assert values.shape == (2, 1, 2, 3)
    assert values[0, 0, 0].tolist() == maps[0, :, 1, 2].tolist()
    assert values[1, 0, 0].tolist() == maps[1, :, 3, 4].tolist()
