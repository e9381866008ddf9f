import copy

import pytest
import torch
from torch import nn

from cpose.models.layers.convolutions import ModulatedDeformConv
from cpose.models.layers.fuse import fuse_for_inference


class SharedConv(nn.Module):
    """One convolution whose result two batch norms read in turn."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4)])

    def forward(self, images):
        return self.norms[0](self.conv(images)) + self.norms[1](self.conv(images))


def trained(network):
    """Give the batch norms statistics of their own."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1, std=0.3)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


@pytest.mark.parametrize('has_bias', [True, False])
def test_same_result_without_batch_norms(has_bias):
    network = trained(
        nn.Sequential(nn.Conv2d(3, 4, 3, bias=has_bias), nn.BatchNorm2d(4), nn.ReLU())
    )
    images = torch.randn(2, 3, 9, 9)
    fused = fuse_for_inference(copy.deepcopy(network))
    assert torch.allclose(fused(images), network(images), atol=1e-5)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())


def test_deformable_convolution():
    network = trained(nn.Sequential(ModulatedDeformConv(3, 4), nn.BatchNorm2d(4)))
    images = torch.randn(2, 3, 9, 9)
    fused = fuse_for_inference(copy.deepcopy(network))
    assert torch.allclose(fused(images), network(images), atol=1e-5)
    assert isinstance(fused[1], nn.Identity)


@pytest.mark.parametrize(
    'network',
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        SharedConv(),
    ],
    ids=['activation between', 'activation in place', 'no statistics', 'shared convolution'],
)
def test_other_batch_norms_stay(network):
    network.eval()
    images = torch.randn(2, 3, 9, 9)
    fused = fuse_for_inference(copy.deepcopy(network))
    assert torch.allclose(fused(images), network(images), atol=1e-6)
    assert any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())


def test_in_inference_mode():
    network = trained(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)))
    images = torch.randn(2, 3, 9, 9)
    expected = network(images)
    with torch.inference_mode():
        fused = fuse_for_inference(copy.deepcopy(network), (9, 9))
        assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
        assert torch.allclose(fused(images), expected, atol=1e-5)


def test_training_mode_is_refused():
    with pytest.raises(ValueError, match=r'model\.eval'):
        fuse_for_inference(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
