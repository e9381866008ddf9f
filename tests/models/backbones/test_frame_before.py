"""First layers for the frame before, beside those of any backbone."""

import copy

import pytest
import torch
from torch import nn

from cpose.errors import ConfigError
from cpose.models.backbones.fan import FAN
from cpose.models.backbones.frame_before import FANTrack, ReadsFrameBefore, TimmTrack
from cpose.models.backbones.timm_backbone import TimmBackbone
from cpose.models.layers.fuse import fuse_for_inference
from cpose.structures.previous_frame import ALL_CHANNELS, PREVIOUS_CHANNELS

from ...user_errors import raises

STRIDES = (4, 8, 16, 32)
NETWORKS = {
    'EfficientNet': (TimmBackbone, TimmTrack, ('tf_efficientnet_lite0', False, STRIDES)),
    'ResNet': (TimmBackbone, TimmTrack, ('test_resnet', False, STRIDES)),
    'FAN': (FAN, FANTrack, ('small', 0.0)),
}


def draw(channels, seed=0):
    return torch.randn(1, channels, 64, 64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope='module')
def tracking():
    torch.manual_seed(0)
    return TimmTrack('test_resnet', out_strides=(4, 8), frozen_stages=2)


def stem_of(backbone):
    return next(m for m in backbone.modules() if hasattr(m, 'pre_hm'))


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize('network', NETWORKS)
def test_weights_of_single_images_give_the_same(network, tmp_path):
    plain_class, track_class, arguments = NETWORKS[network]
    torch.manual_seed(1)
    plain = plain_class(*arguments).eval()
    torch.save(plain.state_dict(), tmp_path / 'plain.pth')
    track = track_class(*arguments, pretrained_path=str(tmp_path / 'plain.pth')).eval()
    inputs = draw(ALL_CHANNELS)
    expected = plain(inputs[:, :3])
    for found in (track(inputs), track(inputs[:, :3])):
        assert all(map(torch.equal, found, expected))
    assert track.out_channels == plain.out_channels
    assert len(track.state_dict()) == len(plain.state_dict()) + len(PREVIOUS_CHANNELS)


def test_all_inputs_are_learnt_although_stages_are_frozen(tracking):
    tracking.train()
    sum(level.square().mean() for level in tracking(draw(ALL_CHANNELS))).backward()
    for name in PREVIOUS_CHANNELS:
        assert stem_of(tracking).get_submodule(name).weight.grad.abs().sum() > 0
    assert stem_of(tracking).weight.grad is None


@torch.no_grad()
def test_a_copy_has_weights_of_its_own(tracking):
    other = copy.deepcopy(tracking).eval()
    before = tracking.eval()(draw(3))[0]
    stem_of(other).weight.zero_()
    assert torch.equal(tracking(draw(3))[0], before)
    assert not torch.allclose(other(draw(3))[0], before)


@torch.no_grad()
def test_batch_norms_fold_away_without_a_change(tracking):
    other = copy.deepcopy(tracking).eval()
    nn.init.normal_(stem_of(other).pre_hm.weight)
    expected = other(draw(ALL_CHANNELS))[0]
    found = fuse_for_inference(other)(draw(ALL_CHANNELS))[0]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_other_channels_are_refused(tracking):
    with raises(ConfigError, '4 channels'):
        tracking(draw(4))


def test_a_network_without_such_a_convolution_is_refused():
    class Odd(ReadsFrameBefore):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)
            self.finish(None, 0)

    with raises(ConfigError, argument='name'):
        Odd()
