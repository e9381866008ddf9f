"""The total loss of CenterPose: all terms, and the minimum over symmetric ground truths.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image", section III-C. Letters: B batch, S symmetric candidates, M objects.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cpose.building import building_part
from cpose.codecs.base import Branch, Codec
from cpose.codecs.branches import DimsBranch
from cpose.codecs.heatmap import gather_cells
from cpose.codecs.log_variance_branches import SUFFIX
from cpose.codecs.targets import PoseTargets, select_candidates
from cpose.errors import ConfigError, check_number
from cpose.models.losses.loss_terms import IndexedLoss
from cpose.registry import MODELS


@MODELS.register_module()
class CenterPoseLoss(nn.Module):
    """Weighted losses of all branches that have one.

    A loss may say which branches it fits: with its attribute ``reads`` where they are read, with
    ``branches`` their names. One for the map gets (logits, heatmaps), an `IndexedLoss` values at
    objects, any other (map, targets); all return (B, S).

    Args:
        branches: The branches of the head, filled in by it.
        symmetry_assignment: Config of the rule which symmetric candidate counts.

    Attributes:
        weights: Factor of every loss.

    Raises:
        ConfigError: If a loss does not fit its branch, or its weight is below 0.
    """

    def __init__(self, branches: Sequence[Branch], symmetry_assignment: Mapping[str, Any]) -> None:
        super().__init__()
        self.branches = {branch.name: branch for branch in branches if branch.loss is not None}
        losses = {name: _build_term(branch, branches) for name, branch in self.branches.items()}
        self.terms = nn.ModuleDict(losses)
        self.weights: dict[str, float] = {name: term.loss_weight for name, term in losses.items()}
        self.symmetry_assignment = MODELS.build(dict(symmetry_assignment))

    def forward(
        self, maps: Mapping[str, Tensor], targets: PoseTargets, codec: Codec
    ) -> dict[str, Tensor]:
        """Return the weighted loss of every term, averaged over the images.

        Args:
            maps: Raw maps (B, channels, H, W) by branch.
            targets: Indexed targets, S rows.
            codec: Draws the heatmaps.

        Returns:
            Scalars ``loss_<branch>``.
        """
        if targets['object_mask'].shape[1] > 1:
            with torch.no_grad():
                rows = self.symmetry_assignment(
                    targets,
                    lambda: self.row_losses(maps, targets, codec),
                    lambda: self.object_costs(maps, targets),
                )
            targets = select_candidates(targets, rows)
        losses = self.row_losses(maps, targets, codec)
        return {f'loss_{name}': value.mean() for name, value in losses.items()}

    def row_losses(
        self, maps: Mapping[str, Tensor], targets: PoseTargets, codec: Codec
    ) -> dict[str, Tensor]:
        """Return the weighted loss of every term for every image and row, (B, S) each."""
        heatmap_hw = (maps['hm'].shape[-2], maps['hm'].shape[-1])
        heatmaps = codec.draw_heatmaps(targets, heatmap_hw)
        losses = {}
        for name, term in self.terms.items():
            if name in heatmaps:
                value = term(maps[name], heatmaps[name])
            elif isinstance(term, IndexedLoss):
                value = _indexed_loss(self.branches[name], term, maps, targets)
            else:
                value = term(maps[name], targets)
            losses[name] = self.weights[name] * value
        return losses

    def object_costs(self, maps: Mapping[str, Tensor], targets: PoseTargets) -> Tensor:
        """Return the weighted L1 cost of every candidate at its centre, (B, S, M)."""
        cost = torch.zeros(targets['object_mask'].shape, device=maps['hm'].device)
        for name, branch in self.branches.items():
            if branch.read_at == 'center':
                prediction, target, mask = _read(branch, maps, targets)
                error = torch.where(mask, (prediction - target).abs(), 0).sum(dim=-1)
                cost += self.weights[name] * error / mask.sum(dim=-1).clamp(min=1)
        return cost


def _build_term(branch: Branch, branches: Sequence[Branch]) -> Any:
    settings = dict(branch.loss or {})
    term = MODELS.build(settings)
    with building_part(settings):
        check_number('loss_weight', term.loss_weight, least=0)
        if not _fits(term, branch):
            fitting = [other.name for other in branches if other.loss and _fits(term, other)]
            raise ConfigError(
                f'does not fit the branch {branch.name!r}',
                argument='type',
                value=type(term).__name__,
                advice=f'It is for {", ".join(fitting) or "none of the branches"}',
            )
    return term


def _fits(term: Any, branch: Branch) -> bool:
    lacks_variance = branch.log_variance_type is None
    return (
        branch.read_at in getattr(term, 'reads', (branch.read_at,))
        and branch.name in getattr(term, 'branches', (branch.name,))
        and not (getattr(term, 'needs_log_variance', False) and lacks_variance)
    )


def _indexed_loss(
    branch: Branch, term: IndexedLoss, maps: Mapping[str, Tensor], targets: PoseTargets
) -> Tensor:
    prediction, target, mask = _read(branch, maps, targets)
    log_variance = None
    if term.needs_log_variance:
        index = branch.read(targets)[0]
        log_variance = gather_cells(maps[branch.name + SUFFIX], index).float()
    value = term(prediction, target, log_variance)
    total = torch.where(mask, value, 0).sum(dim=(2, 3))
    return total / (mask.sum(dim=(2, 3)) + term.eps)


def _read(
    branch: Branch, maps: Mapping[str, Tensor], targets: PoseTargets
) -> tuple[Tensor, Tensor, Tensor]:
    """Return prediction, target and mask of a branch, (B, S, entries, channels) each."""
    index, target, mask = branch.read(targets)
    prediction = gather_cells(maps[branch.name], index).float()
    if isinstance(branch, DimsBranch) and branch.is_by_category:
        labels = targets['labels'][:, None]
        return branch.activate_by_category(prediction, labels), target, mask
    return branch.activate(prediction), target, mask
