"""Choice of the backbone levels that a neck aggregates."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from cpose.errors import ConfigError


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
            f'The neck got {len(in_channels)} channel numbers but {len(strides)} strides '
            '(config keys model.neck.in_channels and in_strides). Leave both out: the detector '
            'takes them from the backbone.'
        )
    if out_stride not in strides[:-1]:
        raise ConfigError(
            f'out_stride={out_stride} (config key model.neck.out_stride) is not one of the '
            f'strides {strides[:-1]} of the backbone below its last. Choose one of them, or '
            'change model.backbone.out_strides.'
        )
    first = strides.index(out_stride)
    used = strides[first:]
    if any(coarse != 2 * fine for fine, coarse in pairwise(used)):
        raise ConfigError(
            f'The backbone strides {used} (config key model.backbone.out_strides) do not double '
            'from level to level, which the neck needs.'
        )
    factors = tuple(stride // out_stride for stride in used)
    return FeatureLevels(first, tuple(in_channels[first:]), factors)
