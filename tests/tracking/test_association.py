import numpy as np

from cpose.tracking.association import pair_cost


def square(x, y, side):
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 2) * side
    return corners + np.array([x, y])


def test_equal_objects_cost_nothing():
    corners = np.array([square(0, 0, 10), square(50, 0, 20)])
    cost = pair_cost(corners, corners, np.array([2.0, np.nan]), np.array([2.0, 3.0]))
    np.testing.assert_allclose(np.diag(cost), 0)
    assert (cost[[0, 1], [1, 0]] > 1).all()


def test_size_and_depth_tell_objects_at_one_place_apart():
    corners = np.array([square(0, 0, 10)])
    larger, same = pair_cost(
        corners, np.array([square(-5, -5, 20), square(0, 0, 10)]), np.ones(1), np.ones(2)
    )[0]
    np.testing.assert_allclose(larger, np.log(2) / 2)
    assert same == 0
    nearer = pair_cost(corners, corners, np.array([1.0]), np.array([2.0]))
    np.testing.assert_allclose(nearer, np.log(2) / 2)
