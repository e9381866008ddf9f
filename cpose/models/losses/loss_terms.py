"""Losses of single maps: heatmaps against drawn Gaussians, and regressed values."""

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn

from cpose.codecs.base import ReadPlace
from cpose.codecs.heatmap import gather_cells
from cpose.codecs.targets import PoseTargets
from cpose.errors import check_number
from cpose.registry import MODELS


class IndexedLoss(nn.Module):
    """Elementwise loss at indexed cells; the sum over masked entries is divided by their number.

    Args:
        loss_weight: Factor of the loss in the total.
    """

    reads: tuple[ReadPlace, ...] = ('center', 'corner')
    """Where branches are read that it fits; with a logarithmic variance if it needs one."""
    eps = 1e-4
    """Added to the number of entries, as in the reference."""
    needs_log_variance = False
    """Whether `forward` takes the branch of logarithmic variances too."""

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        check_number('loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight

    @abstractmethod
    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of tensors of one shape."""


@MODELS.register_module()
class MaskedL1Loss(IndexedLoss):
    """L1 distance. Source: Zhou et al., "Objects as Points", equation 2."""

    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of tensors of one shape."""
        return (prediction - target).abs()


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
        check_number('min_target', min_target, above=0)
        self.min_target = min_target

    def forward(
        self, prediction: Tensor, target: Tensor, log_variance: Tensor | None = None
    ) -> Tensor:
        """Return the elementwise loss of tensors of one shape."""
        return (prediction - target).abs() / target.abs().clamp(min=self.min_target)


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
        check_number('prior', prior, above=0)
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


@MODELS.register_module()
class DenseDisplacementLoss(nn.Module):
    """L1 distance of the displacement at every cell within the Gaussian radius (``dense_hp``).

    A cell beside the centre points to the same corners, so its target is shifted; it counts as
    much as the Gaussian says. Source: the dense option of Zhou et al., "Objects as Points".

    Args:
        loss_weight: Factor of the loss in the total.
    """

    branches = ('hps',)
    eps = 1e-4

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        check_number('loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight

    def forward(self, displacement: Tensor, targets: PoseTargets) -> Tensor:
        """Return the unweighted loss of every row.

        Args:
            displacement: (B, 2K, H, W) raw map.
            targets: Indexed targets, S rows.

        Returns:
            (B, S).
        """
        height, width = displacement.shape[-2:]
        radius = targets['radius']
        reach = int(radius.max())
        steps = torch.arange(-reach, reach + 1, device=radius.device)
        dy, dx = (axis.flatten() for axis in torch.meshgrid(steps, steps, indexing='ij'))
        index = targets['center_index'][..., None]
        x, y = index % width + dx, index // width + dy
        sigma = (2 * radius[..., None] + 1) / 6
        weight = torch.exp(-(dx**2 + dy**2) / (2 * sigma**2))
        is_near = torch.maximum(dx.abs(), dy.abs()) <= radius[..., None]
        is_on_map = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        weight = weight * (is_near & is_on_map & targets['object_mask'][..., None])
        cells = y.clamp(0, height - 1) * width + x.clamp(0, width - 1)
        predicted = gather_cells(displacement, cells)
        shift = torch.stack([dx, dy], dim=-1).repeat(1, predicted.shape[-1] // 2)
        wanted = targets['keypoint_displacement'][..., None, :] - shift
        mask = weight[..., None] * targets['keypoint_displacement_mask'][..., None, :]
        total = ((predicted - wanted).abs() * mask).sum(dim=(2, 3, 4))
        return total / (mask.sum(dim=(2, 3, 4)) + self.eps)


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
        check_number('loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight
        for name, value in (('alpha', alpha), ('beta', beta)):
            check_number(name, value, least=0)
        check_number('clamp', clamp, above=0, most=0.5)
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
        check_number('loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the unweighted loss, (B, S), of logits (B, C, H, W), target (B, S, C, H, W)."""
        prob = logits.float().sigmoid()
        return (prob[:, None] - target).square().mean(dim=(2, 3, 4))
