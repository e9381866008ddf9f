import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.backbones.timm_backbone import TimmBackbone

from ...user_errors import raises

FAMILIES = [
    pytest.param('mobilenetv4_conv_small', {}, id='MobileNetV4'),
    pytest.param('convnext_atto', {}, id='ConvNeXt'),
    pytest.param('pvt_v2_b0', {}, id='hierarchical ViT'),
    pytest.param('swin_s3_tiny_224', {'img_size': (64, 96)}, id='channels last'),
    pytest.param('resnet18', {'norm_layer': torch.nn.BatchNorm2d}, id='ResNet'),
]


@pytest.mark.parametrize(('name', 'options'), FAMILIES)
def test_pyramid(name, options):
    backbone = TimmBackbone(name, **options).eval()
    with torch.inference_mode():
        levels = backbone(torch.randn(1, 3, 64, 96))
    assert backbone.out_strides == (4, 8, 16, 32)
    for level, channels, stride in zip(
        levels, backbone.out_channels, backbone.out_strides, strict=True
    ):
        assert level.shape == (1, channels, 64 // stride, 96 // stride)


def test_chosen_strides():
    backbone = TimmBackbone('mobilenetv4_conv_small', out_strides=(8, 16))
    assert backbone.out_strides == (8, 16)
    assert [level.shape[-1] for level in backbone(torch.randn(2, 3, 64, 64))] == [8, 4]


def test_as_many_channels_as_cells():
    """A map (B, H, W, C) with H = C must not be mistaken for one with the channels first."""
    backbone = TimmBackbone('swin_s3_tiny_224', img_size=384, out_strides=(4,)).eval()
    with torch.inference_mode():
        (level,) = backbone(torch.randn(1, 3, 384, 384))
    assert level.shape == (1, 96, 96, 96)
    assert level.is_contiguous(memory_format=torch.channels_last)


def test_word_that_a_table_of_timm_lacks():
    with raises(ConfigError, 'os.system', argument='name', value='test_resnet'):
        TimmBackbone('test_resnet', act_layer='os.system')


def test_unknown_name_lists_the_nearest():
    with raises(ConfigError, argument='name', value='convnext_tinny'):
        TimmBackbone('convnext_tinny')


def test_missing_stride():
    with raises(ConfigError, '[4, 8, 32]', argument='out_strides'):
        TimmBackbone('vit_tiny_patch16_224')


def test_initialisation_by_mmengine_changes_nothing():
    backbone = TimmBackbone('mobilenetv4_conv_small')
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    backbone.init_weights()
    assert all(value.equal(before[name]) for name, value in backbone.state_dict().items())
