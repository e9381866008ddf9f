"""Base of the losses that read a branch at the cells of objects."""

from abc import abstractmethod

from torch import Tensor, nn


class IndexedLoss(nn.Module):
    """Elementwise loss at indexed cells; the sum over masked entries is divided by their number.

    Args:
        loss_weight: Factor of the loss in the total.
    """

    branches: tuple[str, ...] = ('hps', 'wh', 'reg', 'hp_offset', 'scale')
    """Branches that it fits, those with a logarithmic variance if it needs one."""
    eps = 1e-4
    """Added to the number of entries, as in the reference."""
    needs_log_variance = False
    """Whether `forward` takes the branch of logarithmic variances too."""

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    @abstractmethod
    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of tensors of one shape."""
