"""Neck for DLA: hierarchical aggregation of the levels, then one iterative aggregation."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from cpose.models.layers.aggregation import IterativeAggregation
from cpose.models.layers.feature_levels import FeatureLevels
from cpose.models.necks.aggregation_neck import AggregationNeck
from cpose.registry import MODELS


@MODELS.register_module()
class DLAUpNeck(AggregationNeck):
    """Refine every level with the coarser ones, then merge the refined levels.

    The coarsest level takes part in the refinement only, as in Zhou et al., "Objects as Points",
    figure 6d. Source: Yu et al., "Deep Layer Aggregation" (CVPR 2018), figures 2d and 4.

    The arguments are those of `AggregationNeck`.
    """

    def add_layers(self, levels: FeatureLevels, conv: Mapping[str, Any]) -> None:
        """Add one aggregation per level but the coarsest, and one that merges their results."""
        channels, factors = levels.channels, levels.factors
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
