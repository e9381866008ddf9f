import pytest
import torch

from cpose.errors import ConfigError
from cpose.models.backbones.dla34_track import DLA34Track
from cpose.models.backbones.frame_before import with_itself_before
from cpose.models.backbones.timm_backbone import DLA34
from cpose.models.layers.fuse import fuse_for_inference
from cpose.structures.previous_frame import ALL_CHANNELS

from ...user_errors import raises


@pytest.fixture(scope='module')
def backbone():
    torch.manual_seed(0)
    return DLA34Track(out_strides=(4, 8)).eval()


def draw(channels, seed=0):
    return torch.randn(1, channels, 32, 64, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_the_stem_is_a_sum_over_the_inputs(backbone):
    stem, inputs = backbone.features.base_layer, draw(ALL_CHANNELS)
    image, pre_img, pre_hm, pre_hm_hp = inputs.split([3, 3, 1, 8], dim=1)
    conv, norm, activation = stem[0], stem[1], stem[2]
    expected = activation(norm(conv(image)))
    expected = expected + stem.pre_img(pre_img) + stem.pre_hm(pre_hm) + stem.pre_hm_hp(pre_hm_hp)
    torch.testing.assert_close(stem(inputs), expected)


@torch.no_grad()
def test_an_image_alone_is_its_own_previous_one(backbone):
    image = draw(3)
    alone, pair = backbone(image), backbone(with_itself_before(image))
    for one, other in zip(alone, pair, strict=True):
        assert torch.equal(one, other)
    assert [level.shape[1:] for level in alone] == [(64, 8, 16), (128, 4, 8)]


@torch.no_grad()
@pytest.mark.parametrize('channel', [4, 6, 9])
def test_every_input_counts(backbone, channel):
    inputs = draw(ALL_CHANNELS)
    changed = inputs.clone()
    changed[:, channel] += 1
    assert not torch.allclose(backbone(inputs)[0], backbone(changed)[0])


def test_other_channels_are_refused(backbone):
    with raises(ConfigError, '4 channels'):
        backbone(draw(4))


def test_starts_from_weights_of_single_images(tmp_path):
    plain = DLA34(out_strides=(4, 8))
    torch.save(plain.state_dict(), tmp_path / 'plain.pth')
    filled = DLA34Track(out_strides=(4, 8), pretrained_path=str(tmp_path / 'plain.pth'))
    state = filled.state_dict()
    for name, value in plain.state_dict().items():
        assert torch.equal(state[name], value), name


@torch.no_grad()
def test_batch_norms_fold_away(backbone):
    inputs = draw(ALL_CHANNELS)
    expected = backbone(inputs)[0]
    fused = fuse_for_inference(DLA34Track(out_strides=(4, 8)).eval())
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    copy = DLA34Track(out_strides=(4, 8)).eval()
    copy.load_state_dict(backbone.state_dict())
    torch.testing.assert_close(fuse_for_inference(copy)(inputs)[0], expected, atol=1e-4, rtol=1e-4)
