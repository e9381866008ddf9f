import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.necks import IDAUpNeck

from ...user_errors import raises

CHANNELS, STRIDES = (4, 6, 8, 10), (4, 8, 16, 32)


def make_neck(channels=CHANNELS, strides=STRIDES, out_stride=4, **options):
    conv = options.pop('conv', {'type': 'PlainConv'})
    return IDAUpNeck(channels, strides, out_stride, conv, **options)


def make_levels(side=64):
    torch.manual_seed(0)
    return [
        torch.randn(1, channels, side // stride, side // stride)
        for channels, stride in zip(CHANNELS, STRIDES, strict=True)
    ]


@pytest.mark.parametrize(
    ('options', 'channels', 'stride'),
    [({}, 4, 4), ({'out_channels': 12}, 12, 4), ({'out_stride': 8}, 6, 8)],
)
def test_output(options, channels, stride):
    neck = make_neck(**options)
    assert (neck.out_channels, neck.out_stride) == (channels, stride)
    assert neck(make_levels()).shape == (1, channels, 64 // stride, 64 // stride)


def test_every_used_level_counts():
    neck = make_neck(out_stride=8)
    levels = [level.requires_grad_() for level in make_levels(128)]
    neck(levels).square().mean().backward()
    assert levels[0].grad is None
    assert all(level.grad.abs().sum() > 0 for level in levels[1:])
    assert [name for name, value in neck.named_parameters() if value.grad is None] == []


def test_lengths_must_agree():
    with raises(ConfigError, '4 strides', argument='in_channels', value=list(CHANNELS[:3])):
        make_neck(CHANNELS[:3])
