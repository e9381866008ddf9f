"""Up-sampling by a learned kernel per channel that starts as bilinear interpolation."""

import torch
from torch import Tensor, nn


def bilinear_kernel(factor: int) -> Tensor:
    """Return the (2 * factor, 2 * factor) kernel of bilinear up-sampling by ``factor``.

    Its profile is a triangle: 0.25, 0.75, 0.75, 0.25 for factor 2.
    Source: Long et al., "Fully Convolutional Networks for Semantic Segmentation", section 3.3.
    """
    positions = torch.arange(2 * factor, dtype=torch.float32)
    profile = 1 - (positions - (2 * factor - 1) / 2).abs() / factor
    return profile[:, None] * profile[None, :]


class LearnedUpsample(nn.ConvTranspose2d):
    """Depthwise transposed convolution: (B, C, H, W) to (B, C, factor * H, factor * W).

    Args:
        channels: C.
        factor: Even up-sampling factor.
    """

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size=2 * factor,
            stride=factor,
            padding=factor // 2,
            groups=channels,
            bias=False,
        )
        with torch.no_grad():
            self.weight.copy_(bilinear_kernel(factor))
