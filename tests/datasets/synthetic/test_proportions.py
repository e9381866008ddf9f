import numpy as np
import pytest

from cpose.datasets.synthetic.settings import LEAST, MOST, sample_dims


def test_sizes_are_those_of_boxes_that_one_can_carry():
    rng = np.random.default_rng(0)
    dims = np.array([sample_dims(rng) for _ in range(2000)])
    assert dims.max(axis=1).min() >= 0.08
    assert dims.max() <= 0.5 + 1e-9
    relative = dims[:, [0, 2]] / dims[:, 1:2]
    assert relative.min() >= LEAST - 1e-9
    assert relative.max() <= MOST + 1e-9


def test_thin_and_wide_boxes_occur_along_both_axes():
    rng = np.random.default_rng(1)
    dims = np.array([sample_dims(rng) for _ in range(2000)])
    relative = dims[:, [0, 2]] / dims[:, 1:2]
    assert ((relative < 0.4).mean(axis=0) > 0.1).all()
    assert ((relative > 1.5).mean(axis=0) > 0.1).all()


def test_sides_bound_width_and_depth():
    rng = np.random.default_rng(2)
    dims = np.array([sample_dims(rng, sides=(0.5, 1.8)) for _ in range(500)])
    relative = dims / dims[:, 1:2]
    assert relative[:, [0, 2]].min() == pytest.approx(0.5)
    assert relative[:, [0, 2]].max() == pytest.approx(1.8)


def test_slender_boxes_are_thin_or_long_along_every_axis():
    rng = np.random.default_rng(3)
    dims = np.array([sample_dims(rng, slender=1.0) for _ in range(500)])
    ordered = np.sort(dims, axis=1)
    assert (ordered[:, 0] <= 0.3 * ordered[:, 2]).all()
    assert (ordered[:, 0] >= 0.08 * ordered[:, 2] - 1e-9).all()
    is_long = ordered[:, 1] <= 0.3 * ordered[:, 2]
    assert 0.2 < is_long.mean() < 0.6
    assert set(dims.argmin(axis=1)) == {0, 1, 2}
