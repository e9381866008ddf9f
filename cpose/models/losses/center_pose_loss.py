"""The total loss of CenterPose: all terms, and the minimum over symmetric ground truths.

Source: Lin et al., "Single-Stage Keypoint-Based Category-Level Object Pose Estimation from an RGB
Image", section III-C. Letters: B batch, S symmetric candidates, M objects.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cpose.codecs.centerpose_codec import CenterPoseCodec
from cpose.codecs.heatmap import gather_cells
from cpose.codecs.targets import PoseTargets, select_candidates
from cpose.errors import ConfigError, check_number, nearest_names
from cpose.models.losses.regression_losses import IndexedLoss
from cpose.part_configs import with_defaults
from cpose.registry import MODELS

OBJECT_TARGETS = {'wh': 'box_size_wh', 'reg': 'center_offset', 'scale': 'dims'}
"""Branch read at the object's centre, one mask entry per object, to the key of its target."""


def indexed_target(branch: str, targets: PoseTargets) -> tuple[Tensor, Tensor, Tensor]:
    """Return the cells, target and mask of a branch.

    Letters: B batch, S candidates, E entries (objects, or objects × corners), D channels.

    Args:
        branch: wh, reg, scale, hps or hp_offset.
        targets: Indexed targets.

    Returns:
        Cells (B, S, E) int64, target (B, S, E, D), mask (B, S, E, D) bool.
    """
    if branch == 'hps':
        mask = targets['keypoint_displacement_mask']
        return targets['center_index'], targets['keypoint_displacement'], mask
    if branch == 'hp_offset':
        index, target = (
            targets['keypoint_index'].flatten(2),
            targets['keypoint_offset'].flatten(2, 3),
        )
        return index, target, targets['keypoint_mask'].flatten(2)[..., None].expand_as(target)
    target = targets[OBJECT_TARGETS[branch]]
    return targets['center_index'], target, targets['object_mask'][..., None].expand_as(target)


DEFAULT_TERMS: dict[str, dict[str, Any]] = {
    'hm': {'type': 'GaussianFocalLoss'},
    'hm_hp': {'type': 'GaussianFocalLoss'},
    'hps': {'type': 'MaskedL1Loss'},
    'wh': {'type': 'MaskedL1Loss', 'loss_weight': 0.1},
    'reg': {'type': 'MaskedL1Loss'},
    'hp_offset': {'type': 'MaskedL1Loss'},
    'scale': {'type': 'MaskedL1Loss'},
}
DEFAULT_CHOICE = {'type': 'ObjectSymmetryChoice'}

LOG_VARIANCES = {'hps': 'hps_uncertainty', 'scale': 'scale_uncertainty'}
"""Branch to the branch of its logarithmic variance."""


@MODELS.register_module()
class CenterPoseLoss(nn.Module):
    """Weighted terms of all branches.

    A term may say with its attribute ``branches`` which branches it fits.

    Args:
        terms: Config of the loss by branch, filled up from `DEFAULT_TERMS`, of which another type
            of loss takes the weight; ``None`` switches a term off.
        symmetry_choice: Config of the rule which symmetric candidate counts.

    Attributes:
        weights: Factor of every term.
        log_variance_branches: Names of the uncertainty branches that the terms read.
        untrained_branches: Names of the branches whose term is switched off.

    Raises:
        ConfigError: For an unknown branch, a loss that does not fit it, or a weight below 0.
    """

    def __init__(
        self,
        terms: Mapping[str, Mapping[str, Any] | None] | None = None,
        symmetry_choice: Mapping[str, Any] = DEFAULT_CHOICE,
    ) -> None:
        super().__init__()
        given = dict(terms or {})
        for name in given:
            if name not in DEFAULT_TERMS:
                raise ConfigError(
                    f'Loss of unknown branch {name!r} (config key model.head.criterion.terms). '
                    f'{nearest_names(name, DEFAULT_TERMS)}'
                )
        configs = {name: _fill_up(name, given.get(name, {})) for name in DEFAULT_TERMS}
        losses = {name: _build_term(name, config) for name, config in configs.items() if config}
        self.terms = nn.ModuleDict(losses)
        self.weights: dict[str, float] = {name: term.loss_weight for name, term in losses.items()}
        for name, weight in self.weights.items():
            check_number(f'model.head.criterion.terms.{name}.loss_weight', weight, least=0)
        self.log_variance_branches = tuple(
            LOG_VARIANCES[name]
            for name, term in losses.items()
            if getattr(term, 'needs_log_variance', False)
        )
        self.untrained_branches = tuple(name for name in configs if name not in losses)
        self.symmetry_choice = MODELS.build(with_defaults(symmetry_choice, DEFAULT_CHOICE))

    def forward(
        self, maps: Mapping[str, Tensor], targets: PoseTargets, codec: CenterPoseCodec
    ) -> dict[str, Tensor]:
        """Return the weighted loss of every term, averaged over the images.

        Args:
            maps: Raw maps (B, channels, H, W) by branch.
            targets: Indexed targets, S rows.
            codec: Draws the heatmaps and decodes dimensions.

        Returns:
            Scalars ``loss_<branch>``.
        """
        if targets['object_mask'].shape[1] > 1:
            with torch.no_grad():
                rows = self.symmetry_choice(
                    targets,
                    lambda: self.row_losses(maps, targets, codec),
                    lambda: self.object_costs(maps, targets, codec),
                )
            targets = select_candidates(targets, rows)
        losses = self.row_losses(maps, targets, codec)
        return {f'loss_{name}': value.mean() for name, value in losses.items()}

    def row_losses(
        self, maps: Mapping[str, Tensor], targets: PoseTargets, codec: CenterPoseCodec
    ) -> dict[str, Tensor]:
        """Return the weighted loss of every term for every image and row, (B, S) each."""
        heatmap_hw = (maps['hm'].shape[-2], maps['hm'].shape[-1])
        heatmaps = dict(zip(('hm', 'hm_hp'), codec.draw_heatmaps(targets, heatmap_hw), strict=True))
        losses = {}
        for name, term in self.terms.items():
            if name in heatmaps:
                value = term(maps[name], heatmaps[name])
            elif isinstance(term, IndexedLoss):
                value = _indexed_loss(name, term, maps, targets, codec)
            else:
                value = term(maps[name], targets)
            losses[name] = self.weights[name] * value
        return losses

    def object_costs(
        self, maps: Mapping[str, Tensor], targets: PoseTargets, codec: CenterPoseCodec
    ) -> Tensor:
        """Return the weighted L1 cost of every candidate at its centre, (B, S, M)."""
        cost = torch.zeros(targets['object_mask'].shape, device=maps['hm'].device)
        for name in ('hps', 'wh', 'reg', 'scale'):
            if name in self.terms:
                prediction, target, mask = _read(name, maps, targets, codec)
                error = torch.where(mask, (prediction - target).abs(), 0).sum(dim=-1)
                cost += self.weights[name] * error / mask.sum(dim=-1).clamp(min=1)
        return cost


def _fill_up(name: str, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    defaults = DEFAULT_TERMS[name]
    weight = {key: value for key, value in defaults.items() if key == 'loss_weight'}
    return None if given is None else {**weight, **with_defaults(given, defaults)}


def _build_term(name: str, config: Mapping[str, Any]) -> Any:
    term = MODELS.build(dict(config))
    branches = getattr(term, 'branches', tuple(DEFAULT_TERMS))
    if getattr(term, 'needs_log_variance', False):
        branches = tuple(branch for branch in branches if branch in LOG_VARIANCES)
    if name not in branches:
        raise ConfigError(
            f'{type(term).__name__} does not fit the branch {name!r} (config key '
            f'model.head.criterion.terms.{name}.type). It is for {", ".join(branches)}.'
        )
    return term


def _indexed_loss(
    name: str,
    term: IndexedLoss,
    maps: Mapping[str, Tensor],
    targets: PoseTargets,
    codec: CenterPoseCodec,
) -> Tensor:
    prediction, target, mask = _read(name, maps, targets, codec)
    log_variance = None
    if term.needs_log_variance:
        index = indexed_target(name, targets)[0]
        log_variance = gather_cells(maps[LOG_VARIANCES[name]], index).float()
    value = term(prediction, target, log_variance)
    total = torch.where(mask, value, 0).sum(dim=(2, 3))
    return total / (mask.sum(dim=(2, 3)) + term.eps)


def _read(
    name: str, maps: Mapping[str, Tensor], targets: PoseTargets, codec: CenterPoseCodec
) -> tuple[Tensor, Tensor, Tensor]:
    """Return prediction, target and mask of a branch, (B, S, entries, channels) each."""
    index, target, mask = indexed_target(name, targets)
    prediction = gather_cells(maps[name], index).float()
    if name == 'scale':
        prediction = codec.dims_coder.decode(prediction)
    return prediction, target, mask
