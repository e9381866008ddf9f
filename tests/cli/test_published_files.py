"""``test`` and ``train`` take files of TAO and NVlabs/CenterPose as they are."""

import json
from pathlib import Path

import pytest
import torch

from cpose.cli.main import main

from .commands import write_overlay
from .published_files import write_nvlabs, write_tao

CONFIG = """
model = dict(
    _delete_=True,
    type='CenterPose',
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[0.4, 0.4, 0.5], std=[0.3, 0.3, 0.3]),
    backbone=dict(type='DLA34'),
    neck=dict(type='DLAUpNeck', conv=dict(type='{conv}')),
    head=dict(type='CenterPoseHead', head_conv=256),
)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=0.0))
param_scheduler = []
"""
KINDS = {
    'tao': (write_tao, 'PlainConv', ('--tensors-only',)),
    'nvlabs': (write_nvlabs, 'ModulatedDeformConv', ()),
}


@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
def test_test_and_train(workplace, kind):
    write, conv, trust = KINDS[kind]
    weights = write(Path('published.pth'))
    write_overlay(CONFIG.format(conv=conv))
    words = ['test', 'broken.py', 'published.pth', '--out', 'scores.json', *trust]
    assert main(words) == 0
    assert json.loads(Path('scores.json').read_text())['num_images'] == 4
    options = ['--cfg-options', 'load_from=published.pth']
    assert main(['train', 'broken.py', '--work-dir', 'new', *trust, *options]) == 0
    check_trained(weights)


@pytest.mark.slow
def test_train_from_an_init_cfg(workplace):
    weights = write_tao(Path('published.pth'))
    write_overlay(CONFIG.format(conv='PlainConv'))
    values = ('type=Pretrained', 'checkpoint=published.pth', 'tensors_only=True')
    options = [f'model.init_cfg.{value}' for value in values]
    assert main(['train', 'broken.py', '--work-dir', 'new', '--cfg-options', *options]) == 0
    check_trained(weights)


def test_init_cfg_of_another_model(fails):
    options = ['model.init_cfg.type=Pretrained', 'model.init_cfg.checkpoint=published.pth']
    torch.save({'state_dict': {'a.b': torch.ones(1)}}, 'published.pth')
    words = ['train', 'tiny.py', '--work-dir', 'new', '--cfg-options', *options]
    fails(*words, says=['published.pth', 'no known family'])


def check_trained(weights):
    trained = torch.load('new/epoch_1.pth', weights_only=True)['state_dict']
    name = 'head.branches.outputs.hps.out.weight'
    assert torch.equal(trained[name], weights['hps.3.weight'])
    first = 'base_layer.0.weight'
    assert torch.equal(trained[f'backbone.features.{first}'], weights[f'base.{first}'])
