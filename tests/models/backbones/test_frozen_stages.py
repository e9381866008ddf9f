import copy
from functools import partial

import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.backbones.fan import FAN
from cpose.models.backbones.timm_backbone import DLA34, TimmBackbone

from ...user_errors import raises


def timm_backbone(name, **settings):
    def build(**options):
        return TimmBackbone(name, **settings, **options)

    return build


CASES = {
    'lite': (
        timm_backbone('tf_efficientnet_lite0'),
        2,
        ('features.conv_stem.', 'features.bn1.', 'features.blocks.0.', 'features.blocks.1.'),
    ),
    'MobileNetV4 stem': (
        timm_backbone('mobilenetv4_conv_small'),
        1,
        ('features.conv_stem.', 'features.bn1.'),
    ),
    'ResNet': (
        timm_backbone('resnet18', norm_layer=torch.nn.BatchNorm2d),
        2,
        ('features.conv1.', 'features.bn1.', 'features.layer1.'),
    ),
    'ConvNeXt': (timm_backbone('convnext_atto'), 1, ('features.stem_', 'features.stages_0.')),
    'ViT': (
        timm_backbone('vit_tiny_patch16_224', out_strides=(16,), img_size=32),
        1,
        (
            *('features.model.cls_token', 'features.model.pos_embed'),
            *('features.model.patch_embed.', 'features.model.blocks.0.'),
        ),
    ),
    'DLA': (DLA34, 2, ('features.base_layer.', 'features.level0.', 'features.level1.')),
    'FAN stem': (partial(FAN, 'small', 0.3), 1, ('stem.0.',)),
    'FAN blocks': (partial(FAN, 'small', 0.3), 3, ('stem.', 'patch_proj.', 'position.', 'blocks.')),
}


@pytest.mark.parametrize('name', CASES)
def test_first_stages_are_frozen(name):
    build, stages, prefixes = CASES[name]
    backbone = build(frozen_stages=stages)
    frozen = {key for key, value in backbone.named_parameters() if not value.requires_grad}
    expected = {key for key, _ in backbone.named_parameters() if key.startswith(prefixes)}
    assert frozen == expected
    assert frozen


@pytest.mark.parametrize('name', ['lite', 'DLA'])
def test_a_step_changes_the_other_stages_only(name):
    build, stages, prefixes = CASES[name]
    backbone = build(frozen_stages=stages)
    backbone.eval()
    backbone.train()
    before = copy.deepcopy(backbone.state_dict())
    optimizer = torch.optim.AdamW(backbone.parameters(), lr=0.1, weight_decay=0.1)
    sum(level.square().mean() for level in backbone(torch.randn(2, 3, 64, 64))).backward()
    optimizer.step()
    for key, value in backbone.state_dict().items():
        assert value.equal(before[key]) == key.startswith(prefixes), key


def test_nothing_is_frozen_by_default():
    backbone = DLA34()
    assert all(value.requires_grad for value in backbone.parameters())
    assert all(module.training for module in backbone.modules())


def test_a_copy_freezes_its_own_modules():
    backbone = DLA34(frozen_stages=1)
    other = copy.deepcopy(backbone).train()
    assert not other.features.base_layer.training
    assert other.features.level1.training


@pytest.mark.parametrize('count', [-1, 7, True])
def test_numbers_that_are_none(count):
    with raises(ConfigError, '6', argument='frozen_stages'):
        DLA34(frozen_stages=count)
