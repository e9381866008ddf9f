"""Configs of the first release become those of today, wherever they stand."""

import json

import pytest

from cpose.apis.builder import build_model
from cpose.apis.config.check import check_config
from cpose.apis.config.load import load_config
from cpose.checkpoints.stored_config import config_from_json
from cpose.config_renames import MOVED_KEYS, RENAMED_TYPES, rename_config
from cpose.shipped_configs import shipped_head

OLD_HEAD = {
    'type': 'CenterPoseHead',
    'num_classes': 1,
    'head_conv': 64,
    'use_association': False,
    'codec': {'type': 'CenterPoseCodec', 'dims_coder': {'type': 'AbsoluteDims'}, 'max_objs': 3},
    'criterion': {
        'type': 'CenterPoseLoss',
        'terms': {'hps': {'type': 'KLDUncertaintyLoss'}, 'wh': {'loss_weight': 2}, 'reg': None},
        'symmetry_choice': {'type': 'ImageSymmetryChoice'},
    },
    'recovery': {
        'type': 'cpose.PoseRecovery',
        'score_thr': 0.1,
        'dims_fit': {'type': 'ReprojectedDims', 'point_sigma': 0.1},
    },
}
OVERLAY = """
_base_ = 'cpose::centerpose/quickstart.py'
model = dict(head=dict(
    codec=dict(type='CenterPoseCodec', dims_coder=dict(type='AbsoluteDims'), max_objs=3),
    criterion=dict(
        type='CenterPoseLoss',
        terms=dict(hps=dict(type='KLDUncertaintyLoss'), wh=dict(loss_weight=2), reg=None),
        symmetry_choice=dict(type='ImageSymmetryChoice'),
    ),
    recovery=dict(
        type='PoseRecovery', score_thr=0.1, dims_fit=dict(type='ReprojectedDims', point_sigma=0.1)
    ),
))
train_dataloader = dict(dataset=dict(_delete_=True, type='CenterPoseDataset', data_root='a'))
"""
OPTIONS = {
    'model.head.codec.dims_coder.type': 'AbsoluteDims',
    'model.head.codec.max_objs': 3,
    'model.head.criterion.terms.hps.type': 'KLDUncertaintyLoss',
    'model.head.criterion.terms.wh.loss_weight': 2,
    'model.head.criterion.terms.reg': None,
    'model.head.criterion.symmetry_choice.type': 'ImageSymmetryChoice',
    'model.head.recovery.score_thr': 0.1,
    'model.head.recovery.dims_fit': {'type': 'ReprojectedDims', 'point_sigma': 0.1},
}


def from_overlay(tmp_path):
    file = tmp_path / 'old.py'
    file.write_text(OVERLAY)
    return load_config(file)


def from_stored_config(tmp_path):
    stored = load_config('quickstart').to_dict()
    stored['model']['head'] = OLD_HEAD
    return config_from_json(json.dumps(stored), 'old.pth')


def from_options(tmp_path):
    return load_config('quickstart', OPTIONS)


@pytest.mark.parametrize('source', [from_overlay, from_stored_config, from_options])
def test_old_names_have_their_effect(source, tmp_path):
    config = source(tmp_path)
    assert config.train_dataloader.dataset.max_objs == 3
    assert 'max_objs' not in config.model.head.codec
    check_config(config, ('model',)) if source is from_overlay else None
    head = build_model({'model': config.model}).head
    assert head.criterion.weights == {
        'hm': 1.0, 'hm_hp': 1.0, 'hps': 1.0, 'wh': 2, 'hp_offset': 1.0, 'scale': 1.0,
    }  # fmt: skip
    assert 'hps_uncertainty' in head.branches.outputs
    assert type(head.criterion.symmetry_assignment).__name__ == 'ImageSymmetryAssignment'
    by_name = {branch.name: branch for branch in head.codec.branches}
    assert type(by_name['scale'].coder).__name__ == 'AbsoluteDims'
    assert head.postprocessor.eval_score_thr == 0.1
    assert head.postprocessor.infer_score_thr == 0.3
    assert head.postprocessor.dims_refiner.point_sigma == 0.1


def test_a_head_that_says_nothing_is_the_shipped_one():
    head = {'type': 'CenterPoseHead', 'head_conv': 64}
    config = config_from_json(json.dumps({'model': {'type': 'CenterPose', 'head': head}}), 'a.onnx')
    assert config.model.head.to_dict() == {**shipped_head(), 'head_conv': 64}


def test_names_of_today_stay():
    tree = load_config('quickstart').to_dict()
    assert rename_config(tree) == (tree, {})


def test_renames_are_told():
    head = {'criterion': {'terms': {'own': {'type': 'Own'}}}, 'recovery': {'score_thr': 0.2}}
    _, found = rename_config({'model': {'head': head}})
    assert found == {
        'model.head.recovery': 'model.head.postprocessor',
        'model.head.postprocessor.score_thr': 'model.head.postprocessor.eval_score_thr',
        'model.head.criterion.terms.own': 'model.head.branches.own.loss',
    }


@pytest.mark.parametrize('terms', [None, {}])
def test_terms_that_said_nothing(terms):
    head = {**OLD_HEAD, 'criterion': {'type': 'CenterPoseLoss', 'terms': terms}}
    tree, _ = rename_config({'model': {'head': head}})
    assert tree['model']['head']['criterion'] == {'type': 'CenterPoseLoss'}


def test_input_is_left_unchanged():
    tree = {'model': {'head': OLD_HEAD}}
    before = json.dumps(tree)
    rename_config(tree)
    assert json.dumps(tree) == before


def test_changelog_has_the_table():
    from pathlib import Path

    text = (Path(__file__).parents[1] / 'CHANGELOG.md').read_text()
    for old, new in {**MOVED_KEYS, **RENAMED_TYPES}.items():
        assert f'| `{old}` | `{new}` |' in text, old
