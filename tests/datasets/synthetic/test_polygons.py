import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.polygons import cut_convex, cut_to_rectangle, fill_convex

SQUARE = np.array([(0.0, 0), (4, 0), (4, 4), (0, 4)])


@pytest.mark.parametrize(
    ('height_of', 'area'),
    [
        (lambda p: p[:, 0] - 1, 12),
        (lambda p: p[:, 0] + p[:, 1] - 4, 8),
        (lambda p: p[:, 0] + 1, 16),
        (lambda p: p[:, 0] - 5, 0),
    ],
    ids=['quarter off', 'diagonal', 'untouched', 'nothing left'],
)
def test_cut_area(height_of, area):
    cut = cut_convex(SQUARE, height_of(SQUARE))
    found = cv2.contourArea(cut.astype(np.float32)) if len(cut) else 0
    assert found == pytest.approx(area)


def test_cut_in_three_dimensions_meets_the_plane():
    triangle = np.array([(0.0, 0, 1), (2, 0, 1), (0, 2, -1)])
    cut = cut_convex(triangle, triangle[:, 2])
    assert len(cut) == 4
    np.testing.assert_allclose(np.sort(cut[:, 2]), [0, 0, 1, 1])


def test_rectangle_keeps_directions_of_edges():
    far = np.array([(-1e6, -1e6), (1e6, -1e6), (1e6, 1e6)])
    cut = cut_to_rectangle(far, (-10.0, -10.0), (10.0, 10.0))
    assert cv2.contourArea(cut.astype(np.float32)) == pytest.approx(200)


def test_huge_polygon_is_filled_exactly():
    canvas = np.zeros((40, 60), dtype=np.uint8)
    fill_convex(canvas, np.array([(-1e5, 20.0), (1e5, 20.0), (1e5, 1e6), (-1e5, 1e6)]), 7)
    assert (canvas[:20] == 0).all()
    assert (canvas[20:] == 7).all()


def test_nothing_is_filled_without_area():
    canvas = np.zeros((8, 8), dtype=np.uint8)
    fill_convex(canvas, np.zeros((0, 2)), 1)
    assert not canvas.any()
