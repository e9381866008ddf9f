import numpy as np

from cpose.geometry.assignment import assign, same_cuboids

CUBOID = np.array([[x, y] for x in (0, 10) for y in (0, 10) for _ in range(2)], float)


def test_the_total_is_least():
    """Taking the cheapest pair first would leave the dearest."""
    cost = np.array([[0.1, 0.2], [0.2, 0.9]])
    rows, columns = assign(cost, np.full(2, 1.0))
    assert list(zip(rows, columns, strict=True)) == [(0, 1), (1, 0)]


def test_pairs_above_the_limit_are_left_out():
    rows, columns = assign(np.array([[0.5, 0.1], [0.1, 0.7]]), np.array([0.05, 1.0]))
    assert list(zip(rows, columns, strict=True)) == [(0, 1)]


def test_cuboids_are_the_same_up_to_a_diagonal_within_a_category():
    corners = CUBOID + np.array([[[0.0, 0.0]], [[100.0, 0.0]], [[0.0, 50.0]]])
    others = CUBOID + np.array([[[109.0, 0.0]], [[3.0, 0.0]], [[0.0, 49.0]]])
    labels, other_labels = np.array([0, 0, 1]), np.array([0, 0, 0])
    assert same_cuboids(corners, others, labels, other_labels).tolist() == [1, 0, -1]
    far = others + np.array([6.0, 0.0])
    assert same_cuboids(corners, far, labels, other_labels).tolist() == [1, -1, -1]
    assert same_cuboids(corners, others[:0], labels, other_labels[:0]).tolist() == [-1, -1, -1]
