import math

import pytest
import torch

from cpose.models.layers.convolutions import ModulatedDeformConv


@pytest.fixture
def conv():
    torch.manual_seed(0)
    return ModulatedDeformConv(2, 3)


def bilinear(channel, y, x):
    """Read (H, W) at a fractional cell; zero outside."""
    height, width = channel.shape
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                share = (1 - abs(y - row)) * (1 - abs(x - column))
                total += share * channel[row, column].item()
    return total


def convolve_by_loops(conv, feature):
    """Sum over taps: weight of the tap, mask, and the input at the shifted position."""
    predicted = conv.conv_offset_mask(feature)[0]
    offsets, masks = predicted[:18], predicted[18:].sigmoid()
    _, channels, height, width = feature.shape
    result = conv.bias[:, None, None].repeat(1, height, width)
    for row in range(height):
        for column in range(width):
            for tap in range(9):
                y = row + tap // 3 - 1 + offsets[2 * tap, row, column].item()
                x = column + tap % 3 - 1 + offsets[2 * tap + 1, row, column].item()
                for channel in range(channels):
                    value = masks[tap, row, column] * bilinear(feature[0, channel], y, x)
                    result[:, row, column] += conv.weight[:, channel, tap // 3, tap % 3] * value
    return result[None]


@torch.no_grad()
def test_equals_the_sum_over_shifted_taps(conv):
    torch.nn.init.normal_(conv.conv_offset_mask.weight, std=0.4)
    torch.nn.init.normal_(conv.bias)
    feature = torch.randn(1, 2, 4, 5)
    assert torch.allclose(conv(feature), convolve_by_loops(conv, feature), atol=1e-5)


@torch.no_grad()
def test_starts_as_half_a_convolution(conv):
    feature = torch.randn(2, 2, 6, 7)
    plain = torch.nn.functional.conv2d(feature, conv.weight, padding=1)
    assert torch.allclose(conv(feature), plain / 2, atol=1e-6)


def test_offsets_receive_gradients(conv):
    conv(torch.randn(1, 2, 4, 4)).square().sum().backward()
    assert conv.conv_offset_mask.weight.grad.abs().sum() > 0


def test_mixed_precision(conv):
    feature = torch.randn(1, 2, 4, 4)
    with torch.autocast('cpu', torch.bfloat16):
        mixed = conv(feature)
    mixed.sum().backward()
    assert torch.allclose(mixed.float(), conv(feature), atol=0.02)
