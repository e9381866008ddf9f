"""Position encoding of tokens by sines and cosines of their row and column."""

import math

import torch
from torch import Tensor, nn

TEMPERATURE = 10000
EPS = 1e-6


class FourierPosition(nn.Module):
    """Learned projection of 2 × ``num_waves`` waves over rows and columns.

    Source: El-Nouby et al., "XCiT: Cross-Covariance Image Transformers" (NeurIPS 2021), section
    3.3; the waves follow Vaswani et al., "Attention Is All You Need", section 3.5.

    Args:
        channels: Channels of the tokens.
        num_waves: Even number of waves per axis.
    """

    def __init__(self, channels: int, num_waves: int = 32) -> None:
        super().__init__()
        self.num_waves = num_waves
        self.token_projection = nn.Conv2d(2 * num_waves, channels, kernel_size=1)

    def forward(self, like: Tensor) -> Tensor:
        """Return (1, channels, H, W) of the size, type and device of ``like`` (B, *, H, W)."""
        height, width = like.shape[-2:]
        rows = self._waves(height, like).T[:, :, None].expand(-1, -1, width)
        columns = self._waves(width, like).T[:, None, :].expand(-1, height, -1)
        return self.token_projection(torch.cat([rows, columns])[None].to(like.dtype))

    def _waves(self, length: int, like: Tensor) -> Tensor:
        """Return (length, num_waves): sine and cosine of each frequency, one after the other."""
        steps = torch.arange(1, length + 1, dtype=torch.float32, device=like.device)
        phase = steps / (length + EPS) * 2 * math.pi
        pair = torch.arange(self.num_waves // 2, dtype=torch.float32, device=like.device)
        period = TEMPERATURE ** (2 * pair / self.num_waves)
        angles = phase[:, None] / period
        return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
