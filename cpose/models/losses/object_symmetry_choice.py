"""The best symmetric candidate for each object by itself."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cpose.codecs.pose_targets import PoseTargets
from cpose.registry import MODELS

Terms = dict[str, Tensor]


@MODELS.register_module()
class ObjectSymmetryChoice(nn.Module):
    """Choose per object the candidate of least weighted regression cost at its centre.

    Objects turn independently, so one row per image cannot fit two of them. Heatmaps are drawn
    once, for the chosen candidates.

    Deviation: TAO PyTorch 6.25.10 chooses per image, see `ImageSymmetryChoice`.
    """

    def forward(
        self,
        targets: PoseTargets,
        row_losses: Callable[[], Terms],
        object_costs: Callable[[], Tensor],
    ) -> Tensor:
        """Return the chosen candidate of every object, (B, M) int64; row 0 if there is none.

        Args:
            targets: Indexed targets with S rows.
            row_losses: Returns every weighted loss of every row, (B, S) each.
            object_costs: Returns the regression cost of every candidate, (B, S, M).
        """
        return object_costs().masked_fill(~targets['object_mask'], torch.inf).argmin(dim=1)
