import numpy as np
import pytest

from cpose.datasets.synthetic.painting.textures import (
    ELEMENTS,
    KINDS,
    BoxStyle,
    paint_face,
    sample_style,
)


def make_style(kind='plain', density=0.0, **changes):
    values = {
        'kind': kind,
        'base': np.array([60.0, 120.0, 180.0]),
        'inks': np.full((3, 3), 20.0),
        'grain': 3.0,
        'fade': np.zeros(3),
        'density': density,
        'edge': 0.0,
    }
    return BoxStyle(**{**values, **changes})


def test_all_kinds_have_elements_and_occur():
    rng = np.random.default_rng(0)
    assert {sample_style(rng).kind for _ in range(200)} == set(KINDS.items) == set(ELEMENTS)


@pytest.mark.parametrize('wh', [(12, 12), (200, 40), (30, 288)], ids=str)
def test_faces_have_the_size_asked_for(wh):
    rng = np.random.default_rng(0)
    for _ in range(8):
        face = paint_face(rng, sample_style(rng), wh)
        assert face.shape == (wh[1], wh[0], 3)
        assert face.dtype == np.uint8


def test_blank_face_has_the_base_colour():
    face = paint_face(np.random.default_rng(0), make_style(), (80, 60))
    np.testing.assert_allclose(face.mean(axis=(0, 1)), [60, 120, 180], rtol=0.08)
    assert face.std(axis=(0, 1)).max() < 4


def test_fade_and_worn_edges():
    faded = make_style(fade=np.array([100.0, 0.0, 0.0]))
    face = paint_face(np.random.default_rng(0), faded, (80, 60)).astype(float)
    assert np.ptp(face[..., 0]) > 80
    worn = paint_face(np.random.default_rng(0), make_style(edge=40.0), (80, 60)).astype(float)
    assert worn[0].mean() > worn[30, 40].mean() + 25


def test_faces_of_one_box_differ_in_print():
    rng = np.random.default_rng(3)
    style = make_style('printed', density=2.0)
    first, second = (paint_face(rng, style, (64, 64)).astype(float) for _ in range(2))
    assert np.abs(first - second).mean() > 5


def test_bare_boxes_have_no_print():
    for seed in range(20):
        bare = sample_style(np.random.default_rng(seed), print_density=0.0)
        printed = sample_style(np.random.default_rng(seed))
        assert bare.density == 0
        assert bare.kind == printed.kind
        assert (bare.base == printed.base).all()
