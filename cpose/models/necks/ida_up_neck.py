"""Neck for FAN and other backbones: one iterative aggregation over all levels."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from cpose.models.layers.aggregation import IterativeAggregation
from cpose.models.layers.feature_levels import FeatureLevels
from cpose.models.necks.aggregation_neck import AggregationNeck
from cpose.registry import MODELS


@MODELS.register_module()
class IDAUpNeck(AggregationNeck):
    """Merge the backbone levels into one map, the finest first.

    Source: Yu et al., "Deep Layer Aggregation" (CVPR 2018), figure 2c; TAO PyTorch 6.25.10, neck of
    its FAN models.

    The arguments are those of `AggregationNeck`.
    """

    def add_layers(self, levels: FeatureLevels, conv: Mapping[str, Any]) -> None:
        """Add the aggregation of all levels."""
        self.merge = IterativeAggregation(levels.channels, levels.factors, self.out_channels, conv)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Merge the levels to (B, out_channels, H / out_stride, W / out_stride)."""
        return self.merge(features[self.first_level :])[-1]
