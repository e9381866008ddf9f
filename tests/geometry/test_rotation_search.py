import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cpose.geometry import rotation_search
from cpose.geometry.iou3d import best_rotation, box_iou3d
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.structures.cuboid import cuboid_keypoints


def make_pairs(count, seed, *, shear=0.0, offset=0.0):
    """Return predictions near their truths, optionally sheared and with keypoint 0 off centre."""
    generator = np.random.default_rng(seed)
    gt = cuboid_keypoints(generator.uniform(0.5, 1.5, (count, 3)))
    pred = cuboid_keypoints(generator.uniform(0.5, 1.5, (count, 3)))
    pred[..., 1] += shear * pred[..., 0]
    tilt = Rotation.from_rotvec(generator.normal(scale=0.3, size=(count, 3))).as_matrix()
    pred = pred @ tilt + generator.normal(scale=0.2, size=(count, 1, 3))
    pred[:, 0] += offset
    turn = Rotation.random(rng=generator).as_matrix()
    return pred @ turn, gt @ turn


def try_all(pred, gt, angles):
    turned = rotate_about_up(pred, angles).reshape(-1, 9, 3)
    return box_iou3d(turned, np.repeat(gt, len(angles), axis=0)).reshape(len(pred), len(angles))


@pytest.mark.parametrize(
    'angles',
    [
        pytest.param(full_turn(100), id='100 equally spaced'),
        pytest.param(np.linspace(0, 2 * np.pi, 100), id='100 with both ends'),
        pytest.param(full_turn(4), id='quarter turns'),
        pytest.param(np.array([0.3, -2.0, 7.1, 0.31, 3.0]), id='unordered, beyond a turn'),
        pytest.param(np.linspace(0, 0.5, 17), id='narrow range'),
        pytest.param(np.array([1.0]), id='one'),
    ],
)
@pytest.mark.parametrize(
    'shape',
    [
        pytest.param({}, id='right-angled'),
        pytest.param({'shear': 0.3}, id='sheared'),
        pytest.param({'offset': 0.2}, id='off centre'),
    ],
)
def test_equals_trying_every_angle(angles, shape):
    pred, gt = make_pairs(25, 3, **shape)
    iou, index = best_rotation(pred, gt, angles)
    every = try_all(pred, gt, angles)
    assert np.allclose(iou, every.max(axis=1), atol=1e-12)
    assert np.allclose(every[np.arange(len(pred)), index], iou, atol=1e-11)


def test_leaves_out_most_angles(monkeypatch):
    count = 0
    original = rotation_search.unit_cube_overlap

    def counting(origin, spans):
        nonlocal count
        count += origin.shape[1]
        return original(origin, spans)

    monkeypatch.setattr(rotation_search, 'unit_cube_overlap', counting)
    _, gt = make_pairs(50, 4)
    pred = rotate_about_up(gt, np.array([2.0]))[:, 0] * 1.05
    best_rotation(pred, gt, full_turn(100))
    assert 0 < count < 50 * 30


def test_first_of_tied_angles_wins():
    # A cube is the same solid at every quarter turn, and inside a large one at every angle.
    cube = cuboid_keypoints(np.ones((1, 3)))
    _, index = best_rotation(cube, cube, full_turn(8)[[1, 2, 4, 0]])
    assert index == 1
    _, index = best_rotation(cube, 5 * cube, full_turn(100))
    assert index == 0


def test_pairs_apart_have_the_first_angle():
    pred, gt = make_pairs(5, 5)
    iou, index = best_rotation(pred + 50, gt, full_turn(100))
    assert (iou == 0).all()
    assert (index == 0).all()


def test_chunks_give_the_same():
    pred, gt = make_pairs(rotation_search.PAIRS_PER_SEARCH + 3, 6)
    iou, _ = best_rotation(pred, gt, full_turn(20))
    single = [
        best_rotation(p[None], g[None], full_turn(20))[0][0] for p, g in zip(pred, gt, strict=True)
    ]
    assert np.allclose(iou, single, atol=1e-14)
