"""Displacement loss at all cells around an object's centre."""

import torch
from torch import Tensor, nn

from cpose.codecs.heatmap import gather_cells
from cpose.codecs.pose_targets import PoseTargets
from cpose.registry import MODELS


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
