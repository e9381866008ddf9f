import pytest
import torch

from cpose.models.layers.fan_block import (
    ChannelAttention,
    ConvMLP,
    FANBlock,
    PatchRefinement,
    TokenAttention,
)

MAP_HW = (3, 4)


@pytest.fixture
def tokens():
    torch.manual_seed(0)
    return torch.randn(2, 12, 8)


@torch.no_grad()
def test_token_attention_is_softmax_attention(tokens):
    attention = TokenAttention(8, num_heads=2)
    query = attention.q(tokens).view(2, 12, 2, 4)
    key, value = attention.kv(tokens).view(2, 12, 2, 2, 4).unbind(dim=2)
    logits = torch.einsum('bnhc,bmhc->bhnm', query, key) / 2
    mixed = torch.einsum('bhnm,bmhc->bnhc', logits.softmax(dim=-1), value).reshape(2, 12, 8)
    assert torch.allclose(attention(tokens), attention.proj(mixed), atol=1e-6)


@torch.no_grad()
def test_one_weight_per_channel_and_image(tokens):
    attention = ChannelAttention(8, num_heads=2)
    attention.temperature.copy_(torch.tensor([1.0, 2.0])[:, None, None])
    values = attention.norm(attention.mlp(tokens, MAP_HW))
    weights = torch.empty(2, 8)
    query = attention.q(tokens)
    for image in range(2):
        keys = tokens[image].softmax(dim=0)
        for channel in range(8):
            head = channel // 4
            mean_key = keys[:, 4 * head : 4 * head + 4].mean(dim=1)
            product = query[image, :, channel].softmax(dim=0) @ mean_key
            weights[image, channel] = product.sigmoid() * (1 + head)
    assert torch.allclose(attention(tokens, MAP_HW), values * weights[:, None], atol=1e-6)


@torch.no_grad()
def test_bottleneck_sees_neighbours_within_two_cells(tokens):
    mlp = ConvMLP(8).eval()
    tokens = torch.zeros(1, 7 * 9, 8)
    changed = tokens.clone()
    changed[0, 3 * 9 + 4] = 1
    difference = (mlp(changed, (7, 9)) - mlp(tokens, (7, 9))).abs().sum(dim=-1).view(7, 9)
    assert (difference[1:6, 2:7] > 0).all()
    difference[1:6, 2:7] = 0
    assert (difference == 0).all()


def test_block_without_scales_is_the_identity(tokens):
    block = FANBlock(8, 2, drop_path_rate=0.0)
    assert not torch.allclose(block(tokens, MAP_HW), tokens, atol=0.1)
    torch.nn.init.zeros_(block.gamma1)
    torch.nn.init.zeros_(block.gamma2)
    assert torch.equal(block(tokens, MAP_HW), tokens)


def test_images_skip_attentions_in_training_only():
    torch.manual_seed(0)
    block = FANBlock(8, 2, drop_path_rate=0.5).train()
    tokens = torch.randn(1, 12, 8).expand(64, -1, -1)
    results = block(tokens, MAP_HW).detach()
    is_unchanged = (results == tokens).flatten(1).all(dim=1)
    assert 4 < is_unchanged.sum() < 32  # a quarter skips both
    evaluated = block.eval()(tokens, MAP_HW)
    assert torch.allclose(evaluated, evaluated[:1].expand_as(evaluated), atol=1e-5)


@torch.no_grad()
def test_refined_patches_are_doubled(tokens):
    refinement = PatchRefinement(8)
    expected = 2 * torch.nn.functional.layer_norm(
        tokens + torch.nn.functional.layer_norm(tokens, (8,)), (8,)
    )
    assert torch.allclose(refinement(tokens), expected, atol=1e-4)
