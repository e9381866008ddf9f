"""Absolute error as a part of the target."""

from torch import Tensor

from cpose.models.losses.indexed_loss import IndexedLoss
from cpose.registry import MODELS


@MODELS.register_module()
class RelativeL1Loss(IndexedLoss):
    """L1 distance divided by the target, for extents.

    Deviation: TAO PyTorch 6.25.10 compares the prediction with 1 instead of with the target.

    Args:
        loss_weight: Factor of the loss in the total.
        min_target: Smallest divisor.
    """

    def __init__(self, loss_weight: float = 1.0, min_target: float = 1e-6) -> None:
        super().__init__(loss_weight)
        self.min_target = min_target

    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of tensors of one shape."""
        return (prediction - target).abs() / target.abs().clamp(min=self.min_target)
