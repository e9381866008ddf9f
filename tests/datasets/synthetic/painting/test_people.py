import numpy as np

from cpose.datasets.synthetic.hands import Limb
from cpose.datasets.synthetic.painting.people import Look, draw_limbs, draw_people, sample_look

SKIN, CLOTH = np.array([100.0, 140, 200]), np.array([200.0, 60, 40])
LIMB = Limb(np.array([(20.0, 30), (60, 30)]), np.array([12.0, 10.0]))
LOOK = Look(SKIN, CLOTH, np.zeros(2))


def test_limb_is_lighter_inside_and_nothing_changes_outside():
    image = np.full((60, 90, 3), 77, dtype=np.uint8)
    draw_limbs(image, [LIMB], LOOK)
    np.testing.assert_allclose(image[30, 40], SKIN * 1.1, atol=12)
    assert image[21, 40].sum() < image[30, 40].sum()
    assert (image[:17] == 77).all()
    assert (image[:, 75:] == 77).all()


def test_sleeves_have_the_colour_of_cloth():
    image = np.zeros((60, 90, 3), dtype=np.uint8)
    draw_limbs(image, [Limb(LIMB.spine, LIMB.radii, is_cloth=True)], LOOK)
    np.testing.assert_allclose(image[30, 40], np.minimum(CLOTH * 1.1, 255), atol=14)


def test_shadow_darkens_what_is_around():
    image = np.full((60, 90, 3), 200, dtype=np.uint8)
    draw_limbs(image, [LIMB], LOOK, shadow=0.5)
    assert image[45, 40].max() < 195
    assert (image[:, 88:] == 200).all()


def test_nothing_is_drawn_outside_of_the_picture():
    image = np.zeros((60, 90, 3), dtype=np.uint8)
    draw_limbs(image, [], LOOK)
    draw_limbs(image, [Limb(LIMB.spine + 400, LIMB.radii)], LOOK, shadow=0.5)
    assert not image.any()


def test_looks_differ():
    rng = np.random.default_rng(0)
    first, second = sample_look(rng), sample_look(rng)
    assert not np.array_equal(first.skin, second.skin)
    assert np.linalg.norm(first.light) <= 0.4


def test_persons_stay_behind_the_plane_most_times():
    support = np.array([(0.0, 60), (119, 60), (119, 119), (0, 119)])
    seen = []
    for seed in range(30):
        image = np.zeros((120, 120, 3), dtype=np.uint8)
        draw_people(np.random.default_rng(seed), image, support, 1)
        seen.append((image[:58].any(), image[62:].any()))
    above, below = np.mean(seen, axis=0)
    assert above > 0.5
    assert 0.05 < below < 0.5
