"""Necks that aggregate the levels of a backbone into one map."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from mmengine.model import BaseModule
from torch import Tensor, nn

from cpose.errors import ConfigError
from cpose.models.layers.aggregation import IterativeAggregation
from cpose.registry import MODELS


class FeatureLevels(NamedTuple):
    """Backbone levels from the output stride on, finest first.

    Attributes:
        first: Number of the first used level.
        channels: Channels per used level.
        factors: Stride per used level, divided by the output stride.
    """

    first: int
    channels: tuple[int, ...]
    factors: tuple[int, ...]


def select_levels(
    in_channels: Sequence[int], in_strides: Sequence[int], out_stride: int
) -> FeatureLevels:
    """Choose the levels of stride ``out_stride`` and coarser.

    Raises:
        ConfigError: If the strides do not double, or fewer than two levels remain.
    """
    strides = tuple(in_strides)
    if len(in_channels) != len(strides):
        raise ConfigError(
            f'must be as many as the {len(strides)} strides of in_strides',
            argument='in_channels',
            value=list(in_channels),
            advice='Leave both out: the detector takes them from the backbone',
        )
    if out_stride not in strides[:-1]:
        raise ConfigError(
            f'must be one of the strides {strides[:-1]} of the backbone below its last',
            argument='out_stride',
            value=out_stride,
            advice=('Choose one of them', 'Change out_strides of the backbone'),
        )
    first = strides.index(out_stride)
    used = strides[first:]
    if any(coarse != 2 * fine for fine, coarse in pairwise(used)):
        raise ConfigError(
            f'must double from level to level from {out_stride} on',
            argument='in_strides',
            value=strides,
            advice='Change out_strides of the backbone',
        )
    factors = tuple(stride // out_stride for stride in used)
    return FeatureLevels(first, tuple(in_channels[first:]), factors)


class AggregationNeck(BaseModule):
    """Base of the necks: chooses the levels, a subclass adds the layers and the forward pass.

    Args:
        in_channels: Channels per backbone level.
        in_strides: Stride per backbone level, each twice the one before.
        out_stride: Stride of the result; finer levels are not used.
        conv: Config of the convolutions, ``PlainConv`` or ``ModulatedDeformConv``.
        out_channels: Channels of the result; by default those of the level at ``out_stride``.
        init_cfg: MMEngine's initialisation config.

    Attributes:
        first_level: Number of the finest level that is used.
        out_channels: Channels of the result.
        out_stride: Stride of the result.

    Raises:
        ConfigError: If the strides do not fit.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_strides: Sequence[int],
        out_stride: int,
        conv: Mapping[str, Any],
        out_channels: int | None = None,
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        levels = select_levels(in_channels, in_strides, out_stride)
        self.first_level = levels.first
        self.out_stride = out_stride
        self.out_channels = out_channels or levels.channels[0]
        self.add_layers(levels, conv)

    @abstractmethod
    def add_layers(self, levels: FeatureLevels, conv: Mapping[str, Any]) -> None:
        """Add the layers for the levels that are used."""


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
