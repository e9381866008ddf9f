"""Losses between a heatmap and drawn Gaussians."""

import torch
from torch import Tensor, nn

from cpose.registry import MODELS


@MODELS.register_module()
class GaussianFocalLoss(nn.Module):
    """Focal loss per image and candidate row, divided by the row's number of peaks.

    Source: Law and Deng, "CornerNet: Detecting Objects as Paired Keypoints", equation 1; Zhou et
    al., "Objects as Points", equation 1.

    Args:
        loss_weight: Factor of the loss in the total.
        alpha: Exponent of the prediction.
        beta: Exponent that spares cells near a peak.
        clamp: Probabilities stay this far from 0 and 1.
    """

    reads = ('map',)

    def __init__(
        self, loss_weight: float = 1.0, alpha: float = 2.0, beta: float = 4.0, clamp: float = 1e-4
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.alpha = alpha
        self.beta = beta
        self.clamp = clamp

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the unweighted loss of every row.

        Args:
            logits: (B, C, H, W).
            target: (B, S, C, H, W), 0 to 1; cells equal to 1 are positive.

        Returns:
            (B, S); without a positive cell the negative part undivided.
        """
        prob = logits.float().sigmoid().clamp(self.clamp, 1 - self.clamp)
        positive_cost = -prob.log() * (1 - prob) ** self.alpha
        negative_cost = -(1 - prob).log() * prob**self.alpha
        is_peak = target.eq(1)
        negative = torch.einsum('bchw,bschw->bs', negative_cost, (1 - target) ** self.beta)
        positive = torch.einsum('bchw,bschw->bs', positive_cost, is_peak.to(prob.dtype))
        return (positive + negative) / is_peak.sum(dim=(2, 3, 4)).clamp(min=1)


@MODELS.register_module()
class HeatmapMSELoss(nn.Module):
    """Mean squared error per image and row (option ``mse_loss``).

    Deviation: TAO PyTorch 6.25.10 compares the map before the sigmoid; here the sigmoid comes
    first, so that decoding is the same for either loss of the heatmaps.

    Args:
        loss_weight: Factor of the loss in the total.
    """

    reads = ('map',)

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the unweighted loss, (B, S), of logits (B, C, H, W), target (B, S, C, H, W)."""
        prob = logits.float().sigmoid()
        return (prob[:, None] - target).square().mean(dim=(2, 3, 4))
