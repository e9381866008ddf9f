"""Squared error between a heatmap and drawn Gaussians."""

from torch import Tensor, nn

from cpose.registry import MODELS


@MODELS.register_module()
class HeatmapMSELoss(nn.Module):
    """Mean squared error per image and row (option ``mse_loss``).

    Deviation: TAO PyTorch 6.25.10 compares the map before the sigmoid; here the sigmoid comes
    first, so that decoding is the same for either loss of the heatmaps.

    Args:
        loss_weight: Factor of the loss in the total.
    """

    branches = ('hm', 'hm_hp')

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the unweighted loss, (B, S), of logits (B, C, H, W), target (B, S, C, H, W)."""
        prob = logits.float().sigmoid()
        return (prob[:, None] - target).square().mean(dim=(2, 3, 4))
