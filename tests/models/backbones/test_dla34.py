import pytest
import torch

from cpose.models.backbones.timm_backbone import DLA34


@pytest.fixture(scope='module')
def images():
    return torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def test_levels(images):
    backbone = DLA34()
    assert backbone.out_channels == (64, 128, 256, 512)
    assert backbone.out_strides == (4, 8, 16, 32)
    shapes = [tuple(level.shape) for level in backbone(images)]
    assert shapes == [(2, 64, 16, 24), (2, 128, 8, 12), (2, 256, 4, 6), (2, 512, 2, 3)]


def test_all_six_levels(images):
    backbone = DLA34(out_strides=(1, 2, 4, 8, 16, 32))
    assert backbone.out_channels == (16, 32, 64, 128, 256, 512)
    assert backbone(images)[0].shape == (2, 16, 64, 96)


def test_no_parameter_without_effect(images):
    backbone = DLA34()
    sum(level.square().mean() for level in backbone(images)).backward()
    unused = [name for name, value in backbone.named_parameters() if value.grad is None]
    assert unused == []


def test_batch_norm_momentum():
    norms = [part for part in DLA34().modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.1}


@pytest.mark.slow
def test_weights_from_a_file(tmp_path, images):
    source = DLA34().eval()
    weights = source.features.state_dict() | {'fc.weight': torch.zeros(1000, 512, 1, 1)}
    torch.save({'state_dict': weights}, tmp_path / 'dla34.pth')
    loaded = DLA34(pretrained_path=str(tmp_path / 'dla34.pth')).eval()
    assert torch.equal(loaded(images)[-1], source(images)[-1])
