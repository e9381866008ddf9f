"""Losses against the reference's, on stored heads and targets."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cpose.models.losses.center_pose_loss import CenterPoseLoss

from ..head_parts import make_branches

NAMES = {
    'hm_loss': 'hm', 'hp_loss': 'hps', 'hm_hp_loss': 'hm_hp', 'hp_offset_loss': 'hp_offset',
    'wh_loss': 'wh', 'off_loss': 'reg', 'obj_scale_loss': 'scale',
}  # fmt: skip
HEADS = ('hm', 'wh', 'hps', 'reg', 'hm_hp', 'hp_offset', 'scale')


def find_cases(root):
    file = root / 'loss_expected.json'
    return json.loads(file.read_text()) if file.exists() else {}


def load_targets(path):
    """Bring stored targets into our layout; heatmaps are kept beside them."""
    stored = {name: torch.from_numpy(value) for name, value in np.load(path).items()}
    batch, rows, objects = stored['ind'].shape
    corners = (batch, rows, objects, 8)
    targets = {
        'labels': torch.zeros(batch, objects, dtype=torch.int64),
        'object_mask': stored['reg_mask'].bool(),
        'center_index': stored['ind'],
        'center_offset': stored['reg'],
        'box_size_wh': stored['wh'],
        'keypoint_displacement': stored['hps'],
        'keypoint_displacement_mask': stored['hps_mask'].bool(),
        'keypoint_index': stored['hp_ind'].view(corners),
        'keypoint_offset': stored['hp_offset'].view(*corners, 2),
        'keypoint_mask': stored['hp_mask'].bool().view(corners),
        'dims': stored['scale'],
        'center_heatmap': stored['hm'],
        'corner_heatmap': stored['hm_hp'],
    }
    targets['radius'] = torch.zeros_like(targets['center_index'])
    return targets


class StoredHeatmaps:
    """Stands in for the codec's drawing: returns the stored maps of the wanted rows."""

    def __init__(self, targets):
        stored = {'hm': 'center_heatmap', 'hm_hp': 'corner_heatmap'}
        self.maps = {branch: targets.pop(name) for branch, name in stored.items()}
        self.all_rows = targets['center_index']

    def draw_heatmaps(self, targets, heatmap_hw):
        if targets['center_index'].shape[1] == self.all_rows.shape[1]:
            return self.maps
        rows = torch.tensor(self.row_choice).view(-1, 1, 1, 1, 1)
        return {name: torch.take_along_dim(value, rows, dim=1) for name, value in self.maps.items()}


def build(case, reference_dir):
    overrides = case['overrides']
    terms = {}
    is_training = case['phase'] == 'train'
    for key, branch, prior in (
        ('hps_uncertainty', 'hps', 'KL_kps_uncertainty'),
        ('obj_scale_uncertainty', 'scale', 'KL_scale_uncertainty'),
    ):
        if overrides.get(key) and is_training:
            terms[branch] = {'type': 'KLDUncertaintyLoss', 'prior': overrides[prior]}
    coder = {'type': 'RelativeDims'}
    if overrides.get('use_residual'):
        coder = {'type': 'ResidualDims', 'reference': overrides['dimension_ref']}
    branches = make_branches(terms, scale={'coder': coder})
    criterion = CenterPoseLoss(branches, {'type': 'ImageSymmetryAssignment'})
    targets = load_targets(reference_dir / case['targets'])
    stored = StoredHeatmaps(targets)
    heads = np.load(reference_dir / 'loss_heads.npz')
    maps = {name: torch.from_numpy(value).float().requires_grad_() for name, value in heads.items()}
    return SimpleNamespace(criterion=criterion, targets=targets, stored=stored, maps=maps)


def comparable(name, case):
    """Leave out the scale term of validation, which the reference compares with 1."""
    return case['phase'] == 'train' or name != 'obj_scale_loss'


def test_every_row(case, reference_dir):
    parts = build(case, reference_dir)
    rows = parts.criterion.row_losses(parts.maps, parts.targets, parts.stored)
    checked = 0
    for name, expected in case['terms_float64'].items():
        if comparable(name, case):
            branch = NAMES[name]
            actual = rows[branch] / parts.criterion.weights[branch]
            np.testing.assert_allclose(
                actual.detach().numpy(), np.array(expected), rtol=1e-5, err_msg=name
            )
            checked += 1
    assert checked >= len(NAMES) - 1


def test_assignment_and_total(case, reference_dir):
    parts = build(case, reference_dir)
    if case['phase'] == 'train':
        chosen = parts.criterion.symmetry_assignment(
            parts.targets,
            lambda: parts.criterion.row_losses(parts.maps, parts.targets, parts.stored),
            lambda: None,
        )
        has_objects = parts.targets['object_mask'].any(-1).any(-1)
        expected = torch.tensor(case['choice'])[:, None].expand_as(chosen)
        assert torch.equal(chosen[has_objects], expected[has_objects])
    parts.stored.row_choice = case['choice']
    losses = parts.criterion(parts.maps, parts.targets, parts.stored)
    for name, branch in NAMES.items():
        if comparable(name, case):
            weight = parts.criterion.weights[branch]
            assert losses[f'loss_{branch}'].item() / weight == pytest.approx(
                case['stats_float64'][name], rel=1e-5, abs=1e-9
            )
    if case['phase'] == 'train':
        total = sum(losses.values())
        assert total.item() == pytest.approx(case['stats_float64']['loss'], rel=1e-5)


def test_gradients(case, reference_dir):
    parts = build(case, reference_dir)
    parts.stored.row_choice = case['choice']
    sum(parts.criterion(parts.maps, parts.targets, parts.stored).values()).backward()
    for head, expected in case['gradients_float64_sum_norm_maxabs'].items():
        if head.startswith('scale') and case['phase'] != 'train':
            continue
        value = parts.maps[head].grad
        grad = torch.zeros(1).double() if value is None else value.double()
        total, norm, largest = expected or (0.0, 0.0, 0.0)
        assert grad.norm().item() == pytest.approx(norm, rel=1e-5, abs=1e-9)
        assert grad.abs().max().item() == pytest.approx(largest, rel=1e-5, abs=1e-9)
        assert grad.sum().item() == pytest.approx(total, rel=1e-4, abs=1e-5 * max(norm, 1))
