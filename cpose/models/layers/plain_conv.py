"""The up-sampling convolution of the released TAO models."""

from torch import nn

from cpose.registry import MODELS


@MODELS.register_module()
class PlainConv(nn.Conv2d):
    """3×3 convolution with bias that keeps the size of the map.

    Source: TAO PyTorch 6.25.10, neck of its CenterPose models.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)
