import pytest
import torch

from cpose.errors import CheckpointError, ConfigError
from cpose.models.backbones import fan
from cpose.models.backbones.fan import FAN, FANArch

from ...user_errors import raises


def make_fan(arch='small', drop_path_rate=0.3, **options):
    return FAN(arch, drop_path_rate, **options)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    """Few blocks, so that a network builds in a moment."""
    torch.manual_seed(0)
    monkeypatch.setitem(fan.ARCHS, 'small', FANArch((1, 1), 32, 3, 4, 2))


def test_levels_of_any_size():
    backbone = make_fan().eval()
    assert backbone.out_channels == (128, 256, 32, 768)
    for height, width in ((64, 96), (32, 32)):
        levels = backbone(torch.randn(1, 3, height, width))
        for level, channels, stride in zip(
            levels, backbone.out_channels, backbone.out_strides, strict=True
        ):
            assert level.shape == (1, channels, height // stride, width // stride)


def test_sizes_of_the_published_networks(monkeypatch):
    monkeypatch.undo()
    assert fan.ARCHS['small'] == FANArch((3, 3), 384, 10, 8, 10)
    assert set(fan.ARCHS) == {'small', 'base', 'large'}


def test_unknown_arch():
    with raises(ConfigError, argument='arch', value='smal'):
        make_fan('smal')


def test_coarse_level_comes_from_the_middle_block():
    backbone = make_fan().eval()
    images = torch.randn(1, 3, 64, 64)
    before = backbone(images)
    torch.nn.init.zeros_(backbone.blocks[2].gamma1)
    after = backbone(images)
    assert torch.equal(before[2], after[2])
    assert not torch.allclose(before[3], after[3], atol=1e-3)


def test_no_parameter_without_effect():
    backbone = make_fan(drop_path_rate=0.0).train()
    sum(level.square().sum() for level in backbone(torch.randn(2, 3, 64, 64))).backward()
    assert [name for name, value in backbone.named_parameters() if value.grad is None] == []


def test_checkpointing_changes_neither_gradients_nor_statistics():
    images = torch.randn(2, 3, 64, 64)
    plain, saving = make_fan().train(), make_fan(with_checkpoint=True).train()
    saving.load_state_dict(plain.state_dict())
    for backbone in (plain, saving):
        torch.manual_seed(1)
        sum(level.square().mean() for level in backbone(images)).backward()
    for own, expected in zip(saving.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(own.grad, expected.grad, atol=1e-5)
    for own, expected in zip(saving.buffers(), plain.buffers(), strict=True):
        assert torch.equal(own, expected)


PYRAMID_LAYERS = ('out_norms.', 'learnable_downsample.')


def foreign_weights(backbone):
    """ImageNet weights as published: other names, a class token, no pyramid layers."""
    token = {'cls_token': torch.zeros(1, 1, 32), 'head.weight': torch.zeros(2, 2)}
    names = {
        'stem.0.0.0.': 'patch_embed.backbone.stem.0.',
        'stem.0.0.1.norm.': 'patch_embed.backbone.stem.1.',
        'stem.0.1.0.fc': 'patch_embed.backbone.stages.0.blocks.0.mlp.fc',
        'stem.0.1.0.': 'patch_embed.backbone.stages.0.blocks.0.',
        'stem.1.0.0.norm.': 'patch_embed.backbone.stages.1.downsample.0.',
        'stem.1.0.1.': 'patch_embed.backbone.stages.1.downsample.1.',
        'stem.1.1.0.fc': 'patch_embed.backbone.stages.1.blocks.0.mlp.fc',
        'stem.1.1.0.': 'patch_embed.backbone.stages.1.blocks.0.',
        'patch_proj.': 'patch_embed.proj.',
        'position.': 'pos_embed.',
        'refinement.': 'cls_attn_blocks.',
        '.channel_attn.mlp.conv': '.mlp.mlp_v.dwconv.conv',
        '.channel_attn.mlp.norm.': '.mlp.mlp_v.dwconv.bn.',
        '.channel_attn.mlp.': '.mlp.mlp_v.',
        '.channel_attn.norm.': '.mlp.norm_v.',
        '.channel_attn.': '.mlp.',
    }
    weights = {}
    for key, value in backbone.state_dict().items():
        if key.startswith(PYRAMID_LAYERS):
            continue
        name = key
        for own, foreign in names.items():
            if own in name:
                name = name.replace(own, foreign)
                break
        weights[f'backbone.{name}'] = value
    return weights | {f'backbone.{key}': value for key, value in token.items()}


def test_weights_from_a_file(tmp_path):
    source = make_fan().eval()
    torch.save({'state_dict': foreign_weights(source)}, tmp_path / 'fan.pth')
    loaded = make_fan(pretrained_path=str(tmp_path / 'fan.pth')).eval()
    own, expected = loaded.state_dict(), source.state_dict()
    for key, value in expected.items():
        if not key.startswith(PYRAMID_LAYERS):
            assert torch.equal(own[key], value), key


def test_weights_of_another_size(tmp_path, monkeypatch):
    torch.save(foreign_weights(make_fan()), tmp_path / 'fan.pth')
    monkeypatch.setitem(fan.ARCHS, 'small', FANArch((1, 1), 48, 3, 4, 2))
    with raises(CheckpointError, 'FAN') as error:
        make_fan(pretrained_path=str(tmp_path / 'fan.pth'))
    assert 'pretrained_path' in str(error.value.place.path)


def test_mixed_precision():
    backbone = make_fan(drop_path_rate=0.0).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.autocast('cpu', torch.bfloat16):
        mixed = backbone(images)
    for level, expected in zip(mixed, backbone(images), strict=True):
        assert torch.allclose(level.float(), expected, atol=0.2)
