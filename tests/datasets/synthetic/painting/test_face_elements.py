import numpy as np
import pytest

from cpose.datasets.synthetic.painting import face_elements

INK = np.array([10.0, 200.0, 30.0])
ELEMENTS = [name for name in dir(face_elements) if name.startswith('draw_')]


@pytest.mark.parametrize('wh', [(12, 12), (12, 200), (160, 90)], ids=str)
@pytest.mark.parametrize('name', ELEMENTS)
def test_every_element_fits_any_face(name, wh):
    draw = getattr(face_elements, name)
    changed = 0
    for seed in range(12):
        canvas = np.full((wh[1], wh[0], 3), 128, dtype=np.uint8)
        draw(np.random.default_rng(seed), canvas, INK)
        assert canvas.shape == (wh[1], wh[0], 3)
        changed += bool((canvas != 128).any())
    assert changed > 0


def test_panel_is_filled_with_the_ink():
    canvas = np.full((60, 80, 3), 128, dtype=np.uint8)
    face_elements.draw_panel(np.random.default_rng(0), canvas, INK)
    colours = np.unique(canvas.reshape(-1, 3), axis=0)
    np.testing.assert_array_equal(colours, [INK, [128, 128, 128]])


def test_bar_code_is_black_on_white():
    canvas = np.full((90, 120, 3), 128, dtype=np.uint8)
    face_elements.draw_barcode(np.random.default_rng(0), canvas, INK)
    assert set(np.unique(canvas)) == {20, 128, 245}
