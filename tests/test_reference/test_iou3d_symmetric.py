"""Best 3D IoU over rotations against the vectors of README section 2."""

import numpy as np

from cpose.evaluation.functional.pose_errors import (
    average_distance,
    average_nearest_distance,
    viewpoint_angles_deg,
)
from cpose.geometry.iou3d import best_rotation, box_iou3d, box_iou3d_symmetric
from cpose.geometry.symmetry import rotate_about_up

REFERENCE_PLANE_THICKNESS = 1e-6


def find_cases(root):
    paths = sorted(root.glob('iou3d*.npz'))
    return {path.stem: path for path in paths if 'iou_best' in np.load(path)}


def test_best_rotation_equals_reference(case):
    data = np.load(case)
    iou = box_iou3d_symmetric(data['box_pred'], data['box_gt'], data['thetas'])
    np.testing.assert_allclose(iou, data['iou_best'], atol=1e-9)
    np.testing.assert_allclose(iou, data['iou_exact_at_best'], atol=1e-9)


def test_curve_over_rotations_equals_reference(case):
    data = np.load(case)
    # The reference turns the box against the angle.
    turned = rotate_about_up(data['box_pred'], -data['thetas'])
    gt = np.repeat(data['box_gt'], len(data['thetas']), axis=0)
    curve = box_iou3d(turned.reshape(-1, 9, 3), gt).reshape(data['iou_curve'].shape)
    np.testing.assert_allclose(curve, data['iou_curve'], atol=REFERENCE_PLANE_THICKNESS)


def test_errors_at_best_rotation_equal_reference(case):
    data = np.load(case)
    pred, gt, thetas = data['box_pred'], data['box_gt'], data['thetas']
    iou, best = best_rotation(pred, gt, -thetas)
    turned = rotate_about_up(pred, -thetas[best][:, None])[:, 0]
    overlaps = iou > 0
    period = 360 / len(thetas)
    azimuth, polar = viewpoint_angles_deg(turned)
    gt_azimuth, gt_polar = viewpoint_angles_deg(gt)
    expected = data['evaluate_3d'].T
    # Angles of nearly equal IoU may be exchanged: compare where the reference took the same.
    same = best == data['best_index']
    assert same.mean() > 0.5
    errors = [
        np.abs(azimuth - gt_azimuth) % period,
        np.abs(polar - gt_polar),
        iou,
        np.where(overlaps, average_distance(turned, gt), 1),
        np.where(overlaps, average_nearest_distance(turned, gt), 1),
    ]
    for value, wanted in zip(errors, expected, strict=True):
        np.testing.assert_allclose(value[same], wanted[same], rtol=1e-5, atol=1e-6)
