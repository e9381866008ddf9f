"""The up-sampling convolutions of necks: plain (TAO) or deformable (NVlabs)."""

import math

import torch
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from cpose.models.layers.conv3x3 import Conv3x3
from cpose.registry import MODELS


@MODELS.register_module()
class PlainConv(Conv3x3):
    """3×3 convolution with bias that keeps the size of the map.

    Source: TAO PyTorch 6.25.10, neck of its CenterPose models.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, bias=True)


TAPS = 9


@MODELS.register_module()
class ModulatedDeformConv(nn.Module):
    """3×3 deformable convolution, version 2, with one group of offsets.

    ``conv_offset_mask`` predicts 27 channels per cell: interleaved (y, x) offsets of the nine taps
    in cells, then nine logits of the taps' weights. It starts at zero: no offset, weights one half.

    Source: Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", section 3.2.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.conv_offset_mask = nn.Conv2d(in_channels, 3 * TAPS, kernel_size=3, padding=1)
        bound = 1 / math.sqrt(in_channels * TAPS)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.conv_offset_mask.weight)
        nn.init.zeros_(self.conv_offset_mask.get_parameter('bias'))

    def forward(self, feature: Tensor) -> Tensor:
        """Convolve (B, in_channels, H, W) to (B, out_channels, H, W).

        Under automatic mixed precision the sampling keeps the precision of the weights: on a CPU
        there is no other.
        """
        offset, logits = self.conv_offset_mask(feature).split((2 * TAPS, TAPS), dim=1)
        inputs = (feature, offset, logits.sigmoid())
        device = feature.device.type
        if torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                return self._sample(*(value.to(self.weight.dtype) for value in inputs))
        return self._sample(*inputs)

    def _sample(self, feature: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        return deform_conv2d(feature, offset, self.weight, self.bias, padding=1, mask=mask)
