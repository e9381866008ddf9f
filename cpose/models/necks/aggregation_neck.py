"""What the necks that aggregate backbone levels share."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseModule

from cpose.models.layers.feature_levels import FeatureLevels, select_levels

PLAIN_CONV = {'type': 'PlainConv'}


class AggregationNeck(BaseModule):
    """Base of the necks: chooses the levels, a subclass adds the layers and the forward pass.

    Args:
        in_channels: Channels per backbone level.
        in_strides: Stride per backbone level, each twice the one before.
        out_stride: Stride of the result; finer levels are not used.
        out_channels: Channels of the result; by default those of the level at ``out_stride``.
        conv: Config of the convolutions, ``PlainConv`` or ``ModulatedDeformConv``.
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
        self.add_layers(levels, conv)

    @abstractmethod
    def add_layers(self, levels: FeatureLevels, conv: Mapping[str, Any]) -> None:
        """Add the layers for the levels that are used."""
