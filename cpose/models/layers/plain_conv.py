"""The up-sampling convolution of the released TAO models."""

from cpose.models.layers.conv3x3 import Conv3x3
from cpose.registry import MODELS


@MODELS.register_module()
class PlainConv(Conv3x3):
    """3×3 convolution with bias that keeps the size of the map.

    Source: TAO PyTorch 6.25.10, neck of its CenterPose models.
    """
