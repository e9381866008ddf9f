"""Absolute error at the cells of objects."""

from torch import Tensor

from cpose.models.losses.indexed_loss import IndexedLoss
from cpose.registry import MODELS


@MODELS.register_module()
class MaskedL1Loss(IndexedLoss):
    """L1 distance. Source: Zhou et al., "Objects as Points", equation 2."""

    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of tensors of one shape."""
        return (prediction - target).abs()
