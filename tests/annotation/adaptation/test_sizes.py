import numpy as np
import pytest

from cpose.annotation.adaptation.sizes import find_proportions

BOX, OTHER = np.array([0.19, 0.28, 0.07]), np.array([0.3, 0.1, 0.2])


def clicked(size, count, seed=0):
    return size * np.exp(np.random.default_rng(seed).normal(0, 0.02, (count, 3)))


def test_one_size_is_found_in_spite_of_clicks_and_of_one_error():
    dims = np.concatenate([clicked(BOX, 25), clicked(BOX[::-1], 5), [[1.0, 1.0, 1.0]]])
    first, second = find_proportions(dims, is_turnable=True)
    assert sorted([first[0], first[2]]) == pytest.approx(sorted(BOX[::2] / BOX[1]), rel=0.02)
    assert second == first[::-1]


def test_a_front_keeps_width_and_depth_apart():
    (size,) = find_proportions(clicked(BOX, 10), is_turnable=False)
    assert size == pytest.approx(BOX / BOX[1], rel=0.02)


def test_several_sizes():
    dims = np.concatenate([clicked(BOX, 10), clicked(OTHER, 4)])
    first, second = find_proportions(dims, is_turnable=False)
    assert first == pytest.approx(BOX / BOX[1], rel=0.03)
    assert second == pytest.approx(OTHER / OTHER[1], rel=0.03)


@pytest.mark.parametrize(
    'dims',
    [
        np.zeros((0, 3)),
        clicked(BOX, 2),
        np.exp(np.random.default_rng(1).normal(0, 0.4, (30, 3))),
        np.concatenate([clicked(BOX, 20), clicked(OTHER, 2)]),
    ],
    ids=['none', 'too few', 'many sizes', 'a rare one'],
)
def test_sizes_that_are_not_known(dims):
    assert find_proportions(dims, is_turnable=True) == []
