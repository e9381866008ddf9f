import cv2
import numpy as np
import pytest

from cpose.datasets.synthetic.painting.raster import (
    blend,
    bounding_rectangle,
    draw_quad,
    fill_polygon,
    intersect_rectangles,
    is_empty,
    polygon_coverage,
    shrink_to_quad,
    side_lengths,
    soften,
    warp_into,
)

QUAD = np.array([(10.3, 5.2), (50.7, 9.1), (44.2, 38.8), (6.6, 30.4)])


@pytest.mark.parametrize('factor', [1, 8], ids=['small, 16 samples', 'large, 4 samples'])
def test_coverage_sums_to_the_area(factor):
    quad = QUAD * factor
    rectangle = bounding_rectangle(quad, (64 * factor, 48 * factor))
    area = polygon_coverage(quad, rectangle).sum() / 255
    assert area == pytest.approx(cv2.contourArea(quad.astype(np.float32)), rel=0.02)


def test_coverage_of_half_pixels():
    square = np.array([(2.0, 2), (6, 2), (6, 6), (2, 6)])
    row = polygon_coverage(square, (0, 0, 9, 9))[4].astype(int)
    assert row[0] == row[1] == row[7] == 0
    assert (row[3:6] == 255).all()
    assert row[2] == pytest.approx(128, abs=65)  # one of four samples is 64
    assert row[6] == pytest.approx(128, abs=65)


def test_rectangle_is_clipped_and_may_be_empty():
    assert bounding_rectangle(QUAD, (20, 20)) == (5, 4, 20, 20)
    assert is_empty(bounding_rectangle(QUAD + 100, (20, 20)))
    assert is_empty(bounding_rectangle(np.zeros((0, 2)), (20, 20)))


@pytest.mark.parametrize('side', [30, 240], ids=['at once', 'row by row'])
def test_blend_weighs_layer_and_image(side):
    image = np.full((side, side, 3), 40, dtype=np.uint8)
    layer = np.full((side, side, 3), 200, dtype=np.uint8)
    coverage = np.zeros((side, side), dtype=np.uint8)
    coverage[5:9] = 255
    coverage[10] = 51
    blend(image, layer, coverage)
    assert (image[5:9] == 200).all()
    assert (image[10] == 72).all()
    assert (image[11:] == 40).all()


def test_warp_meets_the_corners():
    texture = np.zeros((40, 60, 3), dtype=np.uint8)
    texture[:, :, 0] = np.linspace(0, 240, 60)[None]
    texture[:, :, 1] = np.linspace(0, 240, 40)[:, None]
    rectangle = bounding_rectangle(QUAD, (64, 48))
    warped = warp_into(texture, QUAD, rectangle)
    for corner, expected in zip(QUAD, [(0, 0), (240, 0), (240, 240), (0, 240)], strict=True):
        x, y = np.round(corner - rectangle[:2]).astype(int)
        np.testing.assert_allclose(warped[y, x, :2], expected, atol=12)


def test_texture_is_reduced_to_the_size_seen():
    texture = np.zeros((200, 300, 3), dtype=np.uint8)
    assert max(shrink_to_quad(texture, QUAD).shape) < 50
    assert shrink_to_quad(texture, QUAD * 10) is texture


def test_drawing_outside_changes_nothing():
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    draw_quad(image, np.full((8, 8, 3), 255, np.uint8), QUAD + 500)
    fill_polygon(image, QUAD + 500, np.full(3, 255.0))
    assert not image.any()


def test_fill_has_the_colour_and_the_place():
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    fill_polygon(image, QUAD, np.array([200.0, 300, -5]))
    np.testing.assert_array_equal(image[20, 30], [200, 255, 0])
    # OpenCV's smooth borders widen a polygon of 1102 pixels by more than half a pixel all around.
    assert image[..., 0].sum() / 200 == pytest.approx(1102, rel=0.1)
    draw_quad(image, np.full((8, 8, 3), 90, np.uint8), QUAD)
    np.testing.assert_array_equal(image[20, 30], [90, 90, 90])


def test_fill_of_a_half_plane():
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    half = np.array([(-1e6, 24.0), (1e6, 24.0), (1e6, 1e6), (-1e6, 1e6)])
    fill_polygon(image, half, np.full(3, 255.0))
    assert (image[25:] == 255).all()
    assert not image[:23].any()


def test_side_lengths():
    quad = np.array([(0.0, 0), (3, 4), (3, 10), (0, 10)])
    assert side_lengths(quad) == [5, 6, 3, 10]


def test_rectangles_share_what_lies_in_both():
    assert intersect_rectangles((-1, 2, 10, 12), (0, 0, 9, 20)) == (0, 2, 9, 12)
    assert is_empty(intersect_rectangles((0, 0, 4, 4), (6, 0, 9, 4)))


def test_blur_does_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((30, 37, 3), (42, 39))]
    threads = cv2.getNumThreads()
    found = []
    try:
        for number in (1, 2, 4):
            cv2.setNumThreads(number)
            found.append([soften(picture, 4) for picture in pictures])
            assert cv2.getNumThreads() == number
    finally:
        cv2.setNumThreads(threads)
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)
    assert found[0][0].std() < 0.5 * pictures[0].std()
