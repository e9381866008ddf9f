"""Parts of the FAN backbone: stages of convolutions, then attention over tokens and channels.

Letters: B batch, N = H × W tokens, C channels, H W the map of tokens.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN_RATIO = 4


class TokenAttention(nn.Module):
    """Multi-head self-attention over the tokens.

    Source: Zhou et al., "Understanding The Robustness in Vision Transformers" (ICML 2022),
    section 2.2.
    """

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix tokens (B, N, C)."""
        query = self._split(self.q(tokens))
        key, value = (self._split(part) for part in self.kv(tokens).chunk(2, dim=-1))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class ConvMLP(nn.Module):
    """Bottleneck of two linear layers around two depthwise 3×3 convolutions with a short cut.

    Source: TAO PyTorch 6.25.10, value branch of the channel attention in its FAN models.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = HIDDEN_RATIO * channels
        self.fc1 = nn.Linear(channels, hidden)
        self.conv1 = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1, groups=hidden)
        self.norm = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1, groups=hidden)
        self.gamma = nn.Parameter(torch.ones(hidden))
        self.fc2 = nn.Linear(hidden, channels)
        for conv in (self.conv1, self.conv2):
            nn.init.normal_(conv.weight, std=math.sqrt(2 / 9))
            nn.init.zeros_(conv.get_parameter('bias'))

    def forward(self, tokens: Tensor, map_hw: tuple[int, int]) -> Tensor:
        """Transform tokens (B, H * W, C)."""
        hidden = self.fc1(tokens)
        local = hidden.unflatten(1, map_hw).permute(0, 3, 1, 2)
        local = self.conv2(self.norm(functional.gelu(self.conv1(local))))
        local = local.permute(0, 2, 3, 1).flatten(1, 2)
        return self.fc2(torch.addcmul(hidden, local, self.gamma))


class ChannelAttention(nn.Module):
    """Weight every channel by one number per image, from all tokens.

    With a softmax over the tokens in query and key, a channel's weight is the sigmoid of its
    query's product with the mean key of its head, times a learned temperature.

    Source: Zhou et al., "Understanding The Robustness in Vision Transformers" (ICML 2022),
    section 2.3, equation 8, with the averaged keys of TAO PyTorch 6.25.10.
    """

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(channels, channels)
        self.temperature = nn.Parameter(torch.ones(num_heads, 1, 1))
        self.mlp = ConvMLP(channels)
        self.norm = nn.LayerNorm(channels, eps=1e-5)

    def forward(self, tokens: Tensor, map_hw: tuple[int, int]) -> Tensor:
        """Weight the channels of the transformed tokens (B, H * W, C)."""
        values = self.norm(self.mlp(tokens, map_hw))
        return values * self._weights(tokens)

    def _weights(self, tokens: Tensor) -> Tensor:
        """Return the weights (B, 1, C)."""
        query = self.q(tokens).softmax(dim=1)
        key = tokens.softmax(dim=1).unflatten(-1, (self.num_heads, -1)).mean(dim=-1)
        product = torch.einsum('bnhc,bnh->bhc', query.unflatten(-1, (self.num_heads, -1)), key)
        return (product.sigmoid() * self.temperature[..., 0]).flatten(1)[:, None]


class FANBlock(nn.Module):
    """Token attention and channel attention, each normalised before, scaled and added.

    Source: Zhou et al., "Understanding The Robustness in Vision Transformers" (ICML 2022),
    figure 3.

    Args:
        channels: C.
        num_heads: Heads of both attentions.
        drop_path_rate: Share of images that skip an attention in training.
    """

    def __init__(self, channels: int, num_heads: int, drop_path_rate: float) -> None:
        from torchvision.ops import StochasticDepth  # needs a second to import

        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = TokenAttention(channels, num_heads)
        self.gamma1 = nn.Parameter(torch.ones(channels))
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.channel_attn = ChannelAttention(channels, num_heads)
        self.gamma2 = nn.Parameter(torch.ones(channels))
        self.drop_path = StochasticDepth(drop_path_rate, mode='row')

    def forward(self, tokens: Tensor, map_hw: tuple[int, int]) -> Tensor:
        """Refine tokens (B, H * W, C)."""
        mixed = self.drop_path(self.attn(self.norm1(tokens)))
        tokens = torch.addcmul(tokens, mixed, self.gamma1)
        weighted = self.drop_path(self.channel_attn(self.norm2(tokens), map_hw))
        return torch.addcmul(tokens, weighted, self.gamma2)


class PatchRefinement(nn.Module):
    """What a class-attention block does to the patch tokens.

    Its attention and bottleneck change the class token only, which nothing reads here, so they do
    not exist. The patch tokens receive their scaled norm, are normalised again and doubled.

    Source: Touvron et al., "Going deeper with Image Transformers" (ICCV 2021), section 3, in the
    form of TAO PyTorch 6.25.10, where the second short cut adds the patch tokens to themselves.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.gamma1 = nn.Parameter(torch.ones(channels))
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, tokens: Tensor) -> Tensor:
        """Refine tokens (B, N, C)."""
        return 2 * self.norm2(torch.addcmul(tokens, self.norm1(tokens), self.gamma1))


TEMPERATURE = 10000
EPS = 1e-6


class FourierPosition(nn.Module):
    """Learned projection of 2 × ``num_waves`` waves over rows and columns.

    Source: El-Nouby et al., "XCiT: Cross-Covariance Image Transformers" (NeurIPS 2021), section
    3.3; the waves follow Vaswani et al., "Attention Is All You Need", section 3.5.

    Args:
        channels: Channels of the tokens.
        num_waves: Even number of waves per axis.
    """

    def __init__(self, channels: int, num_waves: int = 32) -> None:
        super().__init__()
        self.num_waves = num_waves
        self.token_projection = nn.Conv2d(2 * num_waves, channels, kernel_size=1)

    def forward(self, like: Tensor) -> Tensor:
        """Return (1, channels, H, W) of the size, type and device of ``like`` (B, *, H, W)."""
        height, width = like.shape[-2:]
        rows = self._waves(height, like).T[:, :, None].expand(-1, -1, width)
        columns = self._waves(width, like).T[:, None, :].expand(-1, height, -1)
        return self.token_projection(torch.cat([rows, columns])[None].to(like.dtype))

    def _waves(self, length: int, like: Tensor) -> Tensor:
        """Return (length, num_waves): sine and cosine of each frequency, one after the other."""
        steps = torch.arange(1, length + 1, dtype=torch.float32, device=like.device)
        phase = steps / (length + EPS) * 2 * math.pi
        pair = torch.arange(self.num_waves // 2, dtype=torch.float32, device=like.device)
        period = TEMPERATURE ** (2 * pair / self.num_waves)
        angles = phase[:, None] / period
        return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class SampleVarianceNorm(nn.LayerNorm):
    """Layer norm whose variance divides by C − 1 instead of C.

    Source: TAO PyTorch 6.25.10, ConvNeXt stages of its FAN models; their weights were trained so.
    Computed as a usual layer norm: with k = (C − 1) / C, weight and epsilon become √k · weight and
    k · eps.
    """

    def forward(self, feature: Tensor) -> Tensor:
        """Normalise the last axis of (..., C)."""
        channels = self.normalized_shape[0]
        ratio = (channels - 1) / channels
        weight = self.weight * math.sqrt(ratio)
        return functional.layer_norm(
            feature, self.normalized_shape, weight, self.bias, self.eps * ratio
        )


class ConvNeXtBlock(nn.Module):
    """Depthwise 7×7 convolution and an inverted bottleneck, scaled and added to the input.

    Source: Liu et al., "A ConvNet for the 2020s" (CVPR 2022), figure 4; scale of section A.1.

    Args:
        channels: Channels of input and output.
        scale: First value of the learned scale per channel.
    """

    def __init__(self, channels: int, scale: float = 1e-6) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels)
        self.norm = SampleVarianceNorm(channels, eps=1e-6)
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), scale))

    def forward(self, feature: Tensor) -> Tensor:
        """Refine (B, channels, H, W)."""
        hidden = self.norm(self.conv_dw(feature).permute(0, 2, 3, 1))
        hidden = self.fc2(functional.gelu(self.fc1(hidden)))
        refined = torch.addcmul(feature.permute(0, 2, 3, 1), hidden, self.gamma)
        return refined.permute(0, 3, 1, 2)


class ChannelNorm(nn.Module):
    """Apply a layer norm to the channels of a map (B, C, H, W)."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, feature: Tensor) -> Tensor:
        """Normalise each cell of (B, C, H, W)."""
        return self.norm(feature.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtStage(nn.Sequential):
    """Reduction of the map, then blocks.

    The first stage reduces the image by 4 and normalises after it, a later one normalises and
    reduces by 2. Source: Liu et al., "A ConvNet for the 2020s" (CVPR 2022), sections 2.2 and 2.6.

    Args:
        in_channels: Channels of the input, 3 for the first stage.
        out_channels: Channels of the output.
        num_blocks: Blocks after the reduction.
        is_first: Whether the input is the image.
    """

    def __init__(
        self, in_channels: int, out_channels: int, num_blocks: int, is_first: bool
    ) -> None:
        factor = 4 if is_first else 2
        reduce = nn.Conv2d(in_channels, out_channels, kernel_size=factor, stride=factor)
        layers: list[nn.Module]
        if is_first:
            layers = [reduce, ChannelNorm(nn.LayerNorm(out_channels, eps=1e-6))]
        else:
            layers = [ChannelNorm(SampleVarianceNorm(in_channels, eps=1e-6)), reduce]
        blocks = [ConvNeXtBlock(out_channels) for _ in range(num_blocks)]
        super().__init__(nn.Sequential(*layers), nn.Sequential(*blocks))
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.get_parameter('bias'))
