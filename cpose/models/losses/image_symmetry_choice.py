"""One symmetric candidate for all objects of an image."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cpose.codecs.pose_targets import PoseTargets
from cpose.registry import MODELS

Terms = dict[str, Tensor]


@MODELS.register_module()
class ImageSymmetryChoice(nn.Module):
    """Choose per image the row of least total loss among rows with an object (the reference).

    Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an
    RGB Image", section III-C; TAO PyTorch 6.25.10.
    """

    def forward(
        self,
        targets: PoseTargets,
        row_losses: Callable[[], Terms],
        object_costs: Callable[[], Tensor],
    ) -> Tensor:
        """Return the chosen candidate of every object, (B, M) int64; row 0 if none has objects.

        Args:
            targets: Indexed targets with S rows.
            row_losses: Returns every weighted loss of every row, (B, S) each.
            object_costs: Returns the regression cost of every candidate, (B, S, M).
        """
        total = torch.stack(list(row_losses().values())).sum(dim=0)
        is_empty = ~targets['object_mask'].any(dim=-1)
        row = total.masked_fill(is_empty, torch.inf).argmin(dim=1)
        return row[:, None].expand(targets['labels'].shape)
