import numpy as np
import pytest
from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError
from scipy.spatial.transform import Rotation

from cpose.geometry.iou3d import best_rotation, box_iou3d, box_iou3d_symmetric
from cpose.geometry.symmetry import full_turn, rotate_about_up
from cpose.structures.cuboid import UNIT_KEYPOINTS, cuboid_keypoints


def random_cuboids(generator, count, spread=0.5):
    dims = generator.uniform(0.3, 1.5, (count, 3))
    turned = cuboid_keypoints(dims) @ Rotation.random(count, rng=generator).as_matrix()
    return turned + generator.uniform(-spread, spread, (count, 1, 3))


def iou_by_halfspaces(a, b):
    """Return the IoU of two overlapping cuboids by an independent method."""
    planes = np.concatenate([ConvexHull(box[1:]).equations for box in (a, b)])
    feasible = (a[1:].mean(axis=0) + b[1:].mean(axis=0)) / 2
    try:
        corners = HalfspaceIntersection(planes, feasible).intersections
    except QhullError:
        return None
    shared = ConvexHull(corners).volume
    return shared / (ConvexHull(a[1:]).volume + ConvexHull(b[1:]).volume - shared)


def test_agrees_with_halfspace_intersection():
    generator = np.random.default_rng(1)
    a, b = random_cuboids(generator, 60, 0.1), random_cuboids(generator, 60, 0.1)
    iou = box_iou3d(a, b)
    expected = [iou_by_halfspaces(*pair) for pair in zip(a, b, strict=True)]
    compared = [(x, y) for x, y in zip(iou, expected, strict=True) if y is not None]
    assert len(compared) > 50
    assert np.allclose(*zip(*compared, strict=True), atol=1e-9)


def test_does_not_depend_on_order_frame_unit_or_position():
    generator = np.random.default_rng(2)
    a, b = random_cuboids(generator, 100), random_cuboids(generator, 100)
    iou = box_iou3d(a, b)
    assert 0.05 < iou.mean() < 0.5
    turn = Rotation.random(rng=generator).as_matrix()
    assert np.allclose(box_iou3d(b, a), iou, atol=1e-13)
    assert np.allclose(box_iou3d(a @ turn, b @ turn), iou, atol=1e-13)
    assert np.allclose(box_iou3d(a * 1e-6, b * 1e-6), iou, atol=1e-13)
    assert np.allclose(box_iou3d(a + 100, b + 100), iou, atol=1e-11)
    mirror = np.diag([1, 1, -1])
    assert np.allclose(box_iou3d(a @ mirror, b @ mirror), iou, atol=1e-13)


def test_batches_equal_single_pairs():
    generator = np.random.default_rng(3)
    a, b = random_cuboids(generator, 1100), random_cuboids(generator, 1100)
    iou = box_iou3d(a, b)
    for row in (0, 511, 512, 1099):
        assert box_iou3d(a[row : row + 1], b[row : row + 1])[0] == pytest.approx(
            iou[row], abs=1e-15
        )


@pytest.mark.parametrize(
    'degenerate',
    [
        pytest.param(UNIT_KEYPOINTS * [1, 0, 1], id='no height'),
        pytest.param(UNIT_KEYPOINTS * 0, id='a point'),
        pytest.param(np.full((9, 3), np.nan), id='not a number'),
        pytest.param(np.full((9, 3), np.inf), id='infinite'),
    ],
)
def test_degenerate_cuboids_give_zero(degenerate):
    boxes, others = np.stack([degenerate, UNIT_KEYPOINTS]), np.stack([UNIT_KEYPOINTS] * 2)
    for iou in (
        box_iou3d(boxes, others),
        box_iou3d(others, boxes),
        box_iou3d_symmetric(boxes, others, full_turn(12)),
        box_iou3d_symmetric(others, boxes, full_turn(12)),
    ):
        assert iou[0] == 0
        assert iou[1] == pytest.approx(1)


def test_cuboids_that_only_touch_give_zero():
    generator = np.random.default_rng(4)
    turns = Rotation.random(50, rng=generator).as_matrix()
    a = cuboid_keypoints(np.ones((50, 3)))
    shift = generator.integers(-1, 2, (50, 1, 3))
    shift[:, 0, 0] = 1
    assert (box_iou3d(a @ turns, (a + shift) @ turns) == 0).all()


def test_empty_batches():
    empty = np.zeros((0, 9, 3))
    assert box_iou3d(empty, empty).shape == (0,)
    assert box_iou3d_symmetric(empty, empty, full_turn(3)).shape == (0,)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r'expected \(\*, 9, 3\)'):
        box_iou3d(np.zeros((2, 8, 3)), np.zeros((2, 8, 3)))
    with pytest.raises(ValueError, match=r'expected \(2, 9, 3\)'):
        box_iou3d(np.zeros((2, 9, 3)), np.zeros((3, 9, 3)))
    with pytest.raises(ValueError, match='angles is empty'):
        box_iou3d_symmetric(np.zeros((1, 9, 3)), np.zeros((1, 9, 3)), np.zeros(0))


def test_rotated_prediction_is_turned_back():
    generator = np.random.default_rng(6)
    gt = random_cuboids(generator, 20)
    angles = full_turn(100)
    # Right-handed: turning on by 30 steps undoes a turn by -30 steps.
    pred = rotate_about_up(gt, angles[[70]])[:, 0]
    iou, index = best_rotation(pred, gt, angles[:50])
    assert np.allclose(iou, 1)
    assert (index == 30).all()
    assert (box_iou3d(pred, gt) < 0.99).all()


def test_symmetric_iou_of_one_angle_is_the_plain_one():
    generator = np.random.default_rng(7)
    pred, gt = random_cuboids(generator, 30), random_cuboids(generator, 30)
    assert np.allclose(box_iou3d_symmetric(pred, gt, [0.0]), box_iou3d(pred, gt), atol=1e-13)
