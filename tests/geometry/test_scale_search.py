import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.geometry.iou3d import box_iou3d, box_iou3d_symmetric
from cpose.geometry.scale_search import best_scale
from cpose.geometry.symmetry import full_turn
from cpose.structures.cuboid import cuboid_keypoints

NO_TURN = np.zeros(1)


def random_cuboids(count, seed):
    """Return cuboids (count, 9, 3) before a camera that looks along +z."""
    generator = np.random.default_rng(seed)
    turns = Rotation.random(count, random_state=seed).as_matrix()
    dims = generator.uniform(0.2, 0.6, (count, 3))
    centers = generator.uniform([-0.5, -0.5, 1.5], [0.5, 0.5, 3], (count, 3))
    points = np.stack([cuboid_keypoints(extents) for extents in dims])
    return points @ turns.transpose(0, 2, 1) + centers[:, None]


def disturbed(cuboids, seed):
    generator = np.random.default_rng(seed)
    turns = Rotation.from_rotvec(generator.normal(scale=0.2, size=(len(cuboids), 3))).as_matrix()
    centers = cuboids[:, :1]
    shift = generator.normal(scale=0.05, size=(len(cuboids), 1, 3))
    return (cuboids - centers) @ turns.transpose(0, 2, 1) + centers + shift


@pytest.mark.parametrize('scale', [0.01, 0.4, 1.0, 7.3])
def test_right_up_to_scale(scale):
    true = random_cuboids(20, seed=0)
    factors, iou = best_scale(true / scale, true, NO_TURN)
    np.testing.assert_allclose(factors, scale, rtol=1e-6)
    np.testing.assert_allclose(iou, 1, atol=1e-5)


@pytest.mark.slow
def test_no_scale_of_a_dense_search_is_better():
    true = random_cuboids(40, seed=1)
    pred = disturbed(true, seed=2) * 1.9
    factors, iou = best_scale(pred, true, NO_TURN)
    np.testing.assert_allclose(iou, box_iou3d(pred * factors[:, None, None], true), rtol=1e-12)
    dense = [box_iou3d(pred * factor, true) for factor in np.geomspace(0.2, 1.3, 3000)]
    best = np.max(dense, axis=0)
    assert (iou >= best - 1e-9).all()
    np.testing.assert_allclose(iou, best, atol=1e-3)
    assert best.min() > 0.1


@pytest.mark.slow
def test_thin_overlaps_are_found():
    true = random_cuboids(60, seed=3)
    pred = true.copy()
    half = np.abs(true[:, 1:, 0] - true[:, :1, 0]).max(axis=1)
    pred[..., 0] += 1.5 * half[:, None]
    _, iou = best_scale(pred, true, NO_TURN)
    dense = [box_iou3d(pred * factor, true) for factor in np.geomspace(0.4, 2, 2000)]
    np.testing.assert_allclose(iou, np.max(dense, axis=0), atol=1e-3)
    assert (iou < 0.5).all()


def test_other_directions_never_overlap():
    true = random_cuboids(3, seed=4)
    behind, beside = -true, true + np.array([5.0, 0, 0])
    for pred in (behind, beside):
        factors, iou = best_scale(pred, true, NO_TURN)
        assert np.isnan(factors).all()
        assert (iou == 0).all()


def test_rotations_count_as_equal():
    true = cuboid_keypoints(np.array([0.5, 0.3, 0.1]))[None] + np.array([0, 0, 3.0])
    quarter = true[:, :, [2, 1, 0]] - true[:, :1, [2, 1, 0]] + true[:, :1]
    pred, angles = quarter / 2, full_turn(4)
    factors, iou = best_scale(pred, true, angles)
    np.testing.assert_allclose(factors, 2, rtol=1e-6)
    np.testing.assert_allclose(iou, 1, atol=1e-5)
    assert best_scale(pred, true, NO_TURN)[1] < 0.5
    assert iou == box_iou3d_symmetric(pred * factors, true, angles)


def test_box_around_the_camera():
    true = cuboid_keypoints(np.array([1.0, 1.0, 6.0]))[None] + np.array([0.1, 0, 2.5])
    _, iou = best_scale(3 * true, true, NO_TURN)
    assert iou == pytest.approx(1, abs=1e-5)


def test_no_pairs():
    factors, iou = best_scale(np.zeros((0, 9, 3)), np.zeros((0, 9, 3)), NO_TURN)
    assert factors.shape == iou.shape == (0,)


def test_wrong_shape():
    with pytest.raises(ValueError, match='second cuboids'):
        best_scale(np.ones((2, 9, 3)), np.ones((1, 9, 3)), NO_TURN)
