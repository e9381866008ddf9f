import numpy as np

from cpose.structures.cuboid import CORNER_SIGNS, EDGES, FLIP_CORNERS, cuboid_keypoints


def test_corners_run_x_then_y_then_z():
    points = cuboid_keypoints(np.array([2.0, 4.0, 6.0]))
    assert points.shape == (9, 3)
    assert points[0].tolist() == [0, 0, 0]
    assert points[1].tolist() == [-1, -2, -3]
    assert points[2].tolist() == [-1, -2, 3]
    assert points[3].tolist() == [-1, 2, -3]
    assert points[5].tolist() == [1, -2, -3]
    assert points[8].tolist() == [1, 2, 3]


def test_keypoints_of_many_cuboids():
    assert cuboid_keypoints(np.ones((4, 5, 3))).shape == (4, 5, 9, 3)


def test_edges_join_neighbours():
    named = {tuple(sorted((a + 1, b + 1))) for a, b in EDGES}
    assert named == {
        (2, 4), (2, 6), (6, 8), (4, 8), (1, 2), (3, 4),
        (5, 6), (7, 8), (1, 3), (1, 5), (3, 7), (5, 7),
    }  # fmt: skip


def test_flip_changes_the_side_of_x():
    assert (CORNER_SIGNS[FLIP_CORNERS] == CORNER_SIGNS * (-1, 1, 1)).all()
