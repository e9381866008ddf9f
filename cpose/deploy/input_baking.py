"""Normalisation and channel order as a part of the network."""

from typing import Any

import torch
from torch import Tensor, nn


class BakedInput(nn.Module):
    """Turn RGB of 0 to 1 into what the network reads.

    Isaac ROS sends images so if its encoder is told a mean of 0 and a deviation of 1. Its own
    normalisation applies the network's statistics, which are in BGR order, to RGB.

    Args:
        preprocessor: The model's `PoseDataPreprocessor`.
    """

    scale: Tensor
    shift: Tensor
    channels: Tensor

    def __init__(self, preprocessor: Any) -> None:
        super().__init__()
        order = [0, 1, 2] if preprocessor.channel_order == 'rgb' else [2, 1, 0]
        self.register_buffer('channels', torch.tensor(order))
        self.register_buffer('scale', (255 * preprocessor.scale.double()).float())
        self.register_buffer('shift', preprocessor.shift.clone())

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (B, 3, H, W)."""
        return torch.addcmul(self.shift, images.index_select(1, self.channels), self.scale)
