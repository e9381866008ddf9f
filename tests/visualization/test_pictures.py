import numpy as np
import pytest

from cpose.visualization.pictures import (
    draw_arrow,
    draw_dot,
    draw_label,
    draw_line,
    draw_outlined_text,
    fill_polygon,
)

RED = (0, 0, 255)


@pytest.fixture
def canvas():
    return np.full((60, 80, 3), 100, dtype=np.uint8)


def test_line_is_smooth_and_where_it_should_be(canvas):
    draw_line(canvas, np.array([10.0, 20.0]), np.array([70.0, 40.0]), RED, 3)
    np.testing.assert_array_equal(canvas[30, 40], RED)
    np.testing.assert_array_equal(canvas[10, 40], [100, 100, 100])
    blue = canvas[..., 0]
    assert ((blue > 5) & (blue < 95)).sum() > 20, 'the rim is not smooth'


def test_positions_are_finer_than_pixels(canvas):
    other = canvas.copy()
    draw_line(canvas, np.array([10.0, 20.0]), np.array([70.0, 20.0]), RED, 2)
    draw_line(other, np.array([10.0, 20.4]), np.array([70.0, 20.4]), RED, 2)
    assert (canvas != other).any()


def test_arrow_ends_at_its_tip(canvas):
    draw_arrow(canvas, np.array([10.0, 30.0]), np.array([60.0, 30.0]), RED, 4)
    columns = np.flatnonzero((canvas == RED).all(axis=2).any(axis=0))
    assert columns.min() <= 12
    assert 55 <= columns.max() <= 61
    heights = (canvas == RED).all(axis=2).sum(axis=0)
    assert heights[44] > heights[25] > 0


def test_dot(canvas):
    draw_dot(canvas, np.array([40.0, 30.0]), RED, 5)
    np.testing.assert_array_equal(canvas[30, 40], RED)
    assert (canvas[:, :34] == 100).all()


def test_polygon_tints_its_inside(canvas):
    square = np.array([[10, 10], [30, 10], [10, 30], [30, 30]], dtype=float)
    fill_polygon(canvas, square, (200, 100, 0), 0.5)
    np.testing.assert_array_equal(canvas[20, 20], [150, 100, 50])
    np.testing.assert_array_equal(canvas[20, 40], [100, 100, 100])


def test_label_lies_inside_the_image(canvas):
    draw_label(canvas, ['cup 0.9', '1 / 1 / 1'], np.array([75.0, -20.0]), RED, 0.3)
    changed = (canvas != 100).any(axis=2)
    assert changed[0, 79]
    assert (canvas == RED).all(axis=2).any()


def test_label_larger_than_the_image():
    tiny = np.zeros((6, 8, 3), dtype=np.uint8)
    draw_label(tiny, ['a long text'], np.array([2.0, 2.0]), RED, 1.0)
    assert tiny.any()


@pytest.mark.parametrize('bad', [np.nan, np.inf, 1e9, -1e9])
def test_what_cannot_be_drawn_is_left_out(canvas, bad):
    here, there = np.array([40.0, 30.0]), np.array([bad, 10.0])
    draw_line(canvas, here, there, RED, 2)
    draw_arrow(canvas, here, there, RED, 2)
    draw_dot(canvas, there, RED, 2)
    draw_outlined_text(canvas, '1', there, RED, 0.4)
    fill_polygon(canvas, np.stack([here, there, here + 5]), RED, 0.5)
    assert (canvas == 100).all()
    draw_label(canvas, ['text'], there, RED, 0.3)


def test_polygon_outside_the_image(canvas):
    fill_polygon(canvas, np.array([[100.0, 10], [120, 10], [120, 30]]), RED, 0.5)
    assert (canvas == 100).all()
