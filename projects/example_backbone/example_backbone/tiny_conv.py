"""Four strided convolutions: the smallest backbone that does the job."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from cpose.registry import MODELS


@MODELS.register_module()
class TinyConv(BaseModule):
    """Feature pyramid with one convolution per level.

    A backbone needs no more than this: ``out_channels`` and ``out_strides``, from which the neck
    is built, and a ``forward`` that returns one map per stride.

    Args:
        widths: Channels of the maps at strides 4, 8, 16 and 32.
    """

    def __init__(self, widths: Sequence[int] = (32, 48, 64, 96)) -> None:
        super().__init__()
        self.out_channels = tuple(widths)
        self.out_strides = (4, 8, 16, 32)
        self.stem = _block(3, widths[0])
        inputs = (widths[0], *widths[:-1])
        self.levels = nn.ModuleList(map(_block, inputs, widths))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return maps (B, widths[i], H / stride, W / stride) of images (B, 3, H, W)."""
        features = []
        feature = self.stem(images)
        for level in self.levels:
            feature = level(feature)
            features.append(feature)
        return tuple(features)


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
