import pytest
import torch
from torch import nn

from cpose.models.layers.convolutions import Conv3x3, kernel_gradient


def set_capability(monkeypatch, name):
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: name)


def make_feature(shape=(2, 4, 7, 6), **options):
    torch.manual_seed(1)
    feature = torch.randn(shape, **options).contiguous(memory_format=torch.channels_last)
    return feature.requires_grad_()


@pytest.mark.parametrize('shape', [(1, 1, 1, 1), (3, 4, 7, 6), (2, 5, 2, 9)])
def test_kernel_gradient_is_the_one_of_the_convolution(shape):
    feature = make_feature(shape, dtype=torch.float64)
    conv = nn.Conv2d(shape[1], 3, 3, padding=1, bias=False, dtype=torch.float64)
    output = conv(feature)
    gradient = torch.randn_like(output)
    output.backward(gradient)
    torch.testing.assert_close(kernel_gradient(feature.detach(), gradient), conv.weight.grad)


@pytest.mark.parametrize('bias', [True, False])
def test_gradients_equal_those_of_the_plain_convolution(monkeypatch, bias):
    set_capability(monkeypatch, 'AVX2')
    conv, plain = Conv3x3(4, 3, bias), nn.Conv2d(4, 3, 3, padding=1, bias=bias)
    plain.load_state_dict(conv.state_dict())
    inputs, gradients = [], []
    for module in (conv, plain):
        feature = make_feature()
        output = module(feature)
        output.backward(torch.linspace(-1, 1, output.numel()).view_as(output))
        inputs.append(feature.grad)
        gradients.append({name: value.grad for name, value in module.named_parameters()})
    torch.testing.assert_close(*inputs)
    torch.testing.assert_close(*gradients)


def is_made_of_products(conv, feature):
    return 'Products' in type(conv(feature).grad_fn).__name__


def test_products_are_for_training_with_channels_last_and_avx2_only(monkeypatch):
    conv, feature = Conv3x3(4, 3), make_feature()
    set_capability(monkeypatch, 'AVX512')
    assert not is_made_of_products(conv, feature)
    set_capability(monkeypatch, 'AVX2')
    assert is_made_of_products(conv, feature)
    assert not is_made_of_products(conv, feature.detach().contiguous())
    assert not is_made_of_products(conv.double(), feature.double())
    with torch.autocast('cpu', torch.bfloat16):
        assert not is_made_of_products(conv.float(), feature)
    assert not is_made_of_products(conv.eval(), feature)


def test_frozen_kernel_and_constant_input(monkeypatch):
    set_capability(monkeypatch, 'AVX2')
    conv, feature = Conv3x3(4, 3), make_feature()
    conv.weight.requires_grad_(False)
    conv(feature.detach()).sum().backward()
    assert conv.weight.grad is None
    assert conv.bias.grad.tolist() == [2 * 7 * 6] * 3
