"""Convolutional stages of the FAN backbone."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


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
