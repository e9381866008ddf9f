"""Divergence between a predicted Gaussian and a prior around the target."""

import math

from torch import Tensor

from cpose.models.losses.indexed_loss import IndexedLoss
from cpose.registry import MODELS


@MODELS.register_module()
class KLDUncertaintyLoss(IndexedLoss):
    """Kullback-Leibler loss of a prediction with its logarithmic variance.

    With q the log variance, e the squared error and b the prior scale, an entry costs
    q − ln b + (b exp(−e / b) + e) / exp(q) − 1 + exp(q) / 2. Source: Lin et al., "Keypoint-Based
    Category-Level Object Pose Tracking from an RGB Sequence with Uncertainty Estimation", section
    III; the form is the one of TAO PyTorch 6.25.10.

    Args:
        loss_weight: Factor of the loss in the total.
        prior: b, scale of the annotation noise, in the target's unit.
    """

    eps = 1e-6
    needs_log_variance = True

    def __init__(self, loss_weight: float = 1.0, prior: float = 0.1) -> None:
        super().__init__(loss_weight)
        self.prior = prior

    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of three tensors of one shape.

        Raises:
            ValueError: Without ``log_variance``.
        """
        if log_variance is None:
            raise ValueError('KLDUncertaintyLoss needs log_variance.')
        error = (prediction - target).square()
        spread = self.prior * (-error / self.prior).exp() + error
        variance = log_variance.exp()
        return log_variance - math.log(self.prior) + spread / variance - 1 + variance / 2
