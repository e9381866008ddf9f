import copy

import pytest
import torch
from torch import nn

from cpose.models.backbones.fan import checkpoint_module


@pytest.fixture
def module():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 2, 3)
    )


def test_same_gradients_and_statistics(module):
    images = torch.randn(2, 3, 8, 8, requires_grad=True)
    other = copy.deepcopy(module)
    torch.manual_seed(1)
    module(images).square().sum().backward()
    expected_input_gradient, images.grad = images.grad, None
    torch.manual_seed(1)
    checkpoint_module(other, images).square().sum().backward()
    assert torch.allclose(images.grad, expected_input_gradient, atol=1e-6)
    for own, plain in zip(other.parameters(), module.parameters(), strict=True):
        assert torch.allclose(own.grad, plain.grad, atol=1e-5)
    for own, plain in zip(other.buffers(), module.buffers(), strict=True):
        assert torch.equal(own, plain)


def test_every_batch_counts_once(module):
    checkpoint_module(module, torch.randn(2, 3, 8, 8, requires_grad=True)).sum().backward()
    assert module[1].num_batches_tracked == 1
    assert module[1].momentum == 0.1


def test_activations_are_not_kept(module):
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: saved.append(tensor.numel()) or tensor, lambda tensor: tensor
    ):
        checkpoint_module(module, torch.randn(2, 3, 8, 8, requires_grad=True))
    assert sum(saved) <= 2 * 3 * 8 * 8


class Checkpointed(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, images):
        return checkpoint_module(self.module, images)


@pytest.mark.slow
def test_compiled_the_same_gradients_and_statistics(module):
    torch.compiler.reset()
    module[3].p = 0.0
    images = torch.randn(2, 3, 8, 8, requires_grad=True)
    compiled = Checkpointed(copy.deepcopy(module))
    compiled.compile(backend='aot_eager', fullgraph=True)
    module(images).square().sum().backward()
    compiled(images).square().sum().backward()
    for own, plain in zip(compiled.parameters(), module.parameters(), strict=True):
        assert torch.allclose(own.grad, plain.grad, atol=1e-5)
    for own, plain in zip(compiled.buffers(), module.buffers(), strict=True):
        assert torch.allclose(own, plain, atol=1e-6)
    assert compiled.module[1].num_batches_tracked == 1
