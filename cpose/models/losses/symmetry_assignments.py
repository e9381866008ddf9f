"""Which symmetric version of an object is its target: one for the image, or one for each object."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cpose.codecs.targets import PoseTargets
from cpose.errors import check_number
from cpose.registry import MODELS
from cpose.structures.cuboid import CORNER_SIGNS

Terms = dict[str, Tensor]


@MODELS.register_module()
class ImageSymmetryAssignment(nn.Module):
    """Assign per image the row of least total loss among rows with an object (the reference).

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


@MODELS.register_module()
class ObjectSymmetryAssignment(nn.Module):
    """Assign per object the candidate of least weighted regression cost at its centre.

    Objects turn independently, so one row per image cannot fit two of them. Heatmaps are drawn
    once, for the chosen candidates.

    A new network predicts the same for all candidates. Chosen by chance they average out, and it
    takes thousands of images to leave that saddle. Therefore a small bonus favours the candidate
    whose +x axis points to the right in the image, that is, whose front faces the camera.

    Deviation: TAO PyTorch 6.25.10 chooses per image and without a bonus, see
    `ImageSymmetryAssignment`.

    Args:
        facing_bonus: Cost, in heatmap cells, that the best-facing candidate is spared at most.

    Raises:
        ConfigError: If it is no number from 0 up.
    """

    def __init__(self, facing_bonus: float = 0.3) -> None:
        super().__init__()
        check_number('facing_bonus', facing_bonus, least=0)
        self.facing_bonus = facing_bonus

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
        cost = object_costs() - self.facing_bonus * facing(targets)
        return cost.masked_fill(~targets['object_mask'], torch.inf).argmin(dim=1)


def facing(targets: PoseTargets) -> Tensor:
    """Return how far the +x axis of each candidate points to the right, (B, S, M) in −1 to 1.

    The axis is the difference of the mean corners on either side, as a share of the width of the
    2D box.
    """
    corners_x = targets['keypoint_displacement'].unflatten(-1, (-1, 2))[..., 0]
    side = torch.from_numpy(CORNER_SIGNS[:, 0]).to(corners_x)
    width = targets['box_size_wh'][..., 0].clamp(min=1.0)
    return ((corners_x @ side) / 4 / width).clamp(-1, 1)
