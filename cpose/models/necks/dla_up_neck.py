"""Neck for DLA: hierarchical aggregation of the levels, then one iterative aggregation."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from cpose.models.layers.aggregation import IterativeAggregation
from cpose.models.layers.feature_levels import select_levels
from cpose.registry import MODELS

PLAIN_CONV = {'type': 'PlainConv'}


@MODELS.register_module()
class DLAUpNeck(BaseModule):
    """Refine every level with the coarser ones, then merge the refined levels.

    The coarsest level takes part in the refinement only, as in Zhou et al., "Objects as Points",
    figure 6d. Source: Yu et al., "Deep Layer Aggregation" (CVPR 2018), figures 2d and 4.

    Args:
        in_channels: Channels per backbone level.
        in_strides: Stride per backbone level, each twice the one before.
        out_stride: Stride of the result; finer levels are not used.
        out_channels: Channels of the result; by default those of the level at ``out_stride``.
        conv: Config of the convolutions, ``PlainConv`` or ``ModulatedDeformConv``.
        init_cfg: MMEngine's initialisation config.

    Attributes:
        out_channels: Channels of the result.
        out_stride: Stride of the result.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_strides: Sequence[int],
        out_stride: int = 4,
        out_channels: int | None = None,
        conv: Mapping[str, Any] = PLAIN_CONV,
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        first, channels, factors = select_levels(in_channels, in_strides, out_stride)
        self.first_level = first
        self.out_stride = out_stride
        self.out_channels = out_channels or channels[0]
        self.refine = nn.ModuleList(
            _refinement(channels[level:], conv) for level in reversed(range(len(channels) - 1))
        )
        self.merge = IterativeAggregation(channels[:-1], factors[:-1], self.out_channels, conv)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Merge the levels to (B, out_channels, H / out_stride, W / out_stride)."""
        return self.merge(self.refine_levels(features[self.first_level :])[:-1])[-1]

    def refine_levels(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return the refined levels, finest first; the coarsest one is returned as it came."""
        coarser = [features[-1]]
        refined = [features[-1]]
        for aggregation, fine in zip(self.refine, reversed(features[:-1]), strict=True):
            coarser = aggregation([fine, *coarser])
            refined.insert(0, coarser[-1])
        return refined


def _refinement(channels: Sequence[int], conv: Mapping[str, Any]) -> IterativeAggregation:
    """Aggregate one level with the coarser ones, which are already at the next stride."""
    coarser = len(channels) - 1
    after_first = channels[1]
    return IterativeAggregation(
        (channels[0], *[after_first] * coarser), (1, *[2] * coarser), channels[0], conv
    )
