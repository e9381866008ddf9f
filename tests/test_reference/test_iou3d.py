"""3D IoU of pairs against the vectors of README section 2."""

import numpy as np

from cpose.geometry.iou3d import box_iou3d

TOLERANCES = {'near_identical': 1e-6}
STATUS_AGREES = 0


def find_cases(root):
    paths = sorted(root.glob('iou3d*.npz'))
    return {path.stem: path for path in paths if 'iou_exact' in np.load(path)}


def test_paired_iou_equals_exact_arithmetic(case):
    data = np.load(case)
    iou = box_iou3d(data['box_a'], data['box_b'])
    swapped = box_iou3d(data['box_b'], data['box_a'])
    tolerance = np.array([TOLERANCES.get(str(name), 1e-9) for name in data['category']])
    assert np.abs(iou - data['iou_exact']).max() < 1e-10
    assert (np.abs(iou - data['iou_exact']) <= tolerance).all()
    assert np.abs(iou - swapped).max() < 1e-10
    agrees = data['ref_status'] == STATUS_AGREES
    assert (np.abs(iou - data['iou_ref'])[agrees] <= 1e-6).all()
