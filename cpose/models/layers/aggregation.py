"""Iterative deep aggregation of feature maps of several strides.

Source: Yu et al., "Deep Layer Aggregation" (CVPR 2018), section 3.1 and figure 2c, in the
up-sampling form of Zhou et al., "Objects as Points", section 5 and figure 6d.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cpose.registry import MODELS


def bilinear_kernel(factor: int) -> Tensor:
    """Return the (2 * factor, 2 * factor) kernel of bilinear up-sampling by ``factor``.

    Its profile is a triangle: 0.25, 0.75, 0.75, 0.25 for factor 2.
    Source: Long et al., "Fully Convolutional Networks for Semantic Segmentation", section 3.3.
    """
    positions = torch.arange(2 * factor, dtype=torch.float32)
    profile = 1 - (positions - (2 * factor - 1) / 2).abs() / factor
    return profile[:, None] * profile[None, :]


class LearnedUpsample(nn.ConvTranspose2d):
    """Depthwise transposed convolution: (B, C, H, W) to (B, C, factor * H, factor * W).

    Args:
        channels: C.
        factor: Even up-sampling factor.
    """

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size=2 * factor,
            stride=factor,
            padding=factor // 2,
            groups=channels,
            bias=False,
        )
        with torch.no_grad():
            self.weight.copy_(bilinear_kernel(factor))


class AggregationConv(nn.Module):
    """Exchangeable convolution, batch norm and ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        conv: Config of the convolution; it receives both channel numbers.
    """

    def __init__(self, in_channels: int, out_channels: int, conv: Mapping[str, Any]) -> None:
        super().__init__()
        self.conv = MODELS.build({**conv, 'in_channels': in_channels, 'out_channels': out_channels})
        self.norm = nn.BatchNorm2d(out_channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, feature: Tensor) -> Tensor:
        """Convert (B, in_channels, H, W) to (B, out_channels, H, W)."""
        return self.act(self.norm(self.conv(feature)))


class AggregationStep(nn.Module):
    """Project a coarse map, up-sample it, add the finer map and fuse both.

    Args:
        in_channels: Channels of the coarse map.
        out_channels: Channels of the finer map and of the result.
        factor: Stride of the coarse map divided by that of the finer one; 1 for equal strides.
        conv: Config of the convolutions.
    """

    def __init__(
        self, in_channels: int, out_channels: int, factor: int, conv: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.project = AggregationConv(in_channels, out_channels, conv)
        self.upsample = LearnedUpsample(out_channels, factor) if factor > 1 else nn.Identity()
        self.fuse = AggregationConv(out_channels, out_channels, conv)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge (B, in_channels, H / factor, W / factor) into (B, out_channels, H, W)."""
        return self.fuse(self.upsample(self.project(coarse)) + fine)


class IterativeAggregation(nn.Module):
    """Bring maps to the stride of the first one and merge them one after the other.

    Args:
        in_channels: Channels of each map, finest first.
        factors: Stride of each map divided by that of the first; ``factors[0]`` is 1.
        out_channels: Channels of the result. The first map is projected if it has others.
        conv: Config of the convolutions.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        factors: Sequence[int],
        out_channels: int,
        conv: Mapping[str, Any],
    ) -> None:
        super().__init__()
        needs_entry = in_channels[0] != out_channels
        self.entry = (
            AggregationConv(in_channels[0], out_channels, conv) if needs_entry else nn.Identity()
        )
        self.steps = nn.ModuleList(
            AggregationStep(channels, out_channels, factor, conv)
            for channels, factor in zip(in_channels[1:], factors[1:], strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return every intermediate map, all of the first map's size; the last merges all."""
        merged = [self.entry(features[0])]
        for step, coarse in zip(self.steps, features[1:], strict=True):
            merged.append(step(coarse, merged[-1]))
        return merged
