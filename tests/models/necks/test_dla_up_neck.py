import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.layers.convolutions import ModulatedDeformConv
from cpose.models.necks import DLAUpNeck

from ...user_errors import raises

CHANNELS, STRIDES = (4, 6, 8, 10), (4, 8, 16, 32)


def make_neck(channels=CHANNELS, strides=STRIDES, out_stride=4, **options):
    conv = options.pop('conv', {'type': 'PlainConv'})
    return DLAUpNeck(channels, strides, out_stride, conv, **options)


def make_levels(side=64):
    torch.manual_seed(0)
    return [
        torch.randn(1, channels, side // stride, side // stride)
        for channels, stride in zip(CHANNELS, STRIDES, strict=True)
    ]


@pytest.mark.parametrize(
    ('options', 'channels', 'stride'),
    [
        ({}, 4, 4),
        ({'out_channels': 12}, 12, 4),
        ({'out_stride': 8}, 6, 8),
        ({'out_stride': 16}, 8, 16),
        ({'conv': {'type': 'ModulatedDeformConv'}}, 4, 4),
    ],
)
def test_output(options, channels, stride):
    neck = make_neck(**options)
    assert (neck.out_channels, neck.out_stride) == (channels, stride)
    assert neck(make_levels()).shape == (1, channels, 64 // stride, 64 // stride)


def test_stride_two():
    neck = make_neck((2, *CHANNELS), (2, *STRIDES), out_stride=2)
    assert neck([torch.randn(1, 2, 32, 32), *make_levels()]).shape == (1, 2, 32, 32)


def test_refined_levels_keep_their_shapes():
    levels = make_levels()
    refined = make_neck().refine_levels(levels)
    assert [level.shape for level in refined] == [level.shape for level in levels]
    assert refined[-1] is levels[-1]


def test_every_level_and_parameter_counts():
    neck = make_neck()
    levels = [level.requires_grad_() for level in make_levels(128)]
    neck(levels).square().mean().backward()
    assert all(level.grad.abs().sum() > 0 for level in levels)
    assert [name for name, value in neck.named_parameters() if value.grad is None] == []


def test_deformable_everywhere():
    neck = make_neck(conv={'type': 'ModulatedDeformConv'})
    count = sum(isinstance(module, ModulatedDeformConv) for module in neck.modules())
    assert count == 2 * (1 + 2 + 3) + 2 * 2


def test_unreachable_stride():
    with raises(ConfigError, argument='out_stride', value=2):
        make_neck(out_stride=2)
