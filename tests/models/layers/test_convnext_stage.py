import torch

from cpose.models.layers.fan_block import (
    ChannelNorm,
    ConvNeXtBlock,
    ConvNeXtStage,
    SampleVarianceNorm,
)


def test_variance_divides_by_channels_minus_one():
    norm = SampleVarianceNorm(6, eps=0.1)
    torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(0))
    feature = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    variance = feature.var(dim=-1, unbiased=True, keepdim=True)
    centred = feature - feature.mean(dim=-1, keepdim=True)
    expected = centred / (variance + 0.1).sqrt() * norm.weight + norm.bias
    assert torch.allclose(norm(feature), expected, atol=1e-6)


def test_channel_norm_works_on_cells():
    feature = torch.randn(2, 6, 3, 4, generator=torch.Generator().manual_seed(0))
    normalised = ChannelNorm(torch.nn.LayerNorm(6))(feature)
    assert torch.allclose(normalised.mean(dim=1), torch.zeros(2, 3, 4), atol=1e-6)
    assert normalised.shape == feature.shape


def test_block_starts_close_to_the_identity():
    feature = torch.randn(1, 8, 9, 9, generator=torch.Generator().manual_seed(0))
    block = ConvNeXtBlock(8)
    assert torch.allclose(block(feature), feature, atol=1e-4)
    assert torch.allclose(block.gamma, torch.tensor(1e-6))
    torch.nn.init.ones_(block.gamma)
    assert not torch.allclose(block(feature), feature, atol=1e-2)


def test_stages_reduce_by_four_and_two():
    first = ConvNeXtStage(3, 8, 1, is_first=True)
    second = ConvNeXtStage(8, 16, 2, is_first=False)
    fine = first(torch.randn(1, 3, 32, 64))
    assert fine.shape == (1, 8, 8, 16)
    assert second(fine).shape == (1, 16, 4, 8)
