"""Neck for FAN and other backbones: one iterative aggregation over all levels."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

from cpose.models.layers.aggregation import IterativeAggregation
from cpose.models.layers.feature_levels import select_levels
from cpose.registry import MODELS

PLAIN_CONV = {'type': 'PlainConv'}


@MODELS.register_module()
class IDAUpNeck(BaseModule):
    """Merge the backbone levels into one map, the finest first.

    Source: Yu et al., "Deep Layer Aggregation" (CVPR 2018), figure 2c; TAO PyTorch 6.25.10, neck of
    its FAN models.

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
        levels = select_levels(in_channels, in_strides, out_stride)
        self.first_level = levels.first
        self.out_stride = out_stride
        self.out_channels = out_channels or levels.channels[0]
        self.merge = IterativeAggregation(levels.channels, levels.factors, self.out_channels, conv)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Merge the levels to (B, out_channels, H / out_stride, W / out_stride)."""
        return self.merge(features[self.first_level :])[-1]
