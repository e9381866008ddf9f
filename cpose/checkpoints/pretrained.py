"""Initialisation from a checkpoint: by ``init_cfg``, or by ``pretrained_path`` of a backbone."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import update_init_info
from torch import Tensor, nn

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.integrity import check_finite
from cpose.checkpoints.loading import (
    BACKBONE_PREFIX,
    SHOWN,
    compare_weights,
    find_state_dict,
    load_weights,
)
from cpose.checkpoints.renaming import bare_name
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, errors_of_file
from cpose.models.checkpoint_keys import convert, detect_family, weight_families
from cpose.registry import WEIGHT_INITIALIZERS

COUNTERS = '*.num_batches_tracked'
"""Counters of batch norms, which published weights often lack."""


@WEIGHT_INITIALIZERS.register_module()
class Pretrained:
    """Fill a module with the weights of a checkpoint of any known family.

    A detector takes whole models, a backbone takes ImageNet weights or its part of a whole model,
    and any module takes a file with its own names. A backbone may have ``optional_weights``,
    patterns of names that such a file need not have, and gets ``weights_normalisation``, what the
    family of its weights was trained with, or None.

    Deviation from MMEngine 0.10.7, whose class of this name knows no families, leaves out what does
    not fit and runs pickled code: all names and shapes must agree, and only tensors are read.

    Args:
        checkpoint: File, see `load_checkpoint_file`.
        prefix: With it, a module takes the part of a whole model whose names, as in `CenterPose`,
            begin so, for example ``backbone.``.
        tensors_only: See `load_checkpoint_file`.
        optional: Patterns of names that a whole model need not have, for example
            ``*.branches.outputs.tracking*``; they keep what they begin with.
        place: Where the user named the file, for messages; by default ``init_cfg`` of the module.
    """

    def __init__(
        self,
        checkpoint: str,
        prefix: str | None = None,
        tensors_only: bool = False,
        place: str | None = None,
        optional: Sequence[str] = (),
    ) -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.tensors_only = tensors_only
        self.place = place
        self.optional = tuple(optional)

    def __call__(self, module: nn.Module) -> None:
        """Load the weights.

        Raises:
            CheckpointError: If the file cannot be used, or is of another model.
        """
        place = self.place or f'init_cfg of {type(module).__name__}'
        try:
            stored = load_checkpoint_file(self.checkpoint, self.tensors_only)
        except CheckpointError as error:
            error.problem += f' (named by the {place})'
            raise
        source = f'{self.checkpoint} ({place})'
        if self.prefix:
            load_weights(module, self._part(stored, self.prefix), source)
        elif hasattr(module, 'backbone'):
            load_weights(module, stored, source, may_lack=self.optional)
        else:
            fill_backbone(module, stored, source)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'Pretrained: {self.checkpoint}')

    def _part(self, stored: Mapping[str, Any], prefix: str) -> dict[str, Tensor]:
        """Return the weights whose names begin with the prefix, without it."""
        with errors_of_file(self.checkpoint):
            found = find_state_dict(stored)
            weights = convert(found, detect_family(found))
        part = {
            key.removeprefix(prefix): value
            for key, value in weights.items()
            if key.startswith(prefix)
        }
        if not part:
            known = sorted({key.partition('.')[0] + '.' for key in weights})
            raise CheckpointError(
                f'has no weights whose names begin with {prefix!r}. They begin with '
                f'{", ".join(known)}',
                argument='prefix',
                value=prefix,
                place=FilePlace(self.checkpoint),
                advice='Choose one of these as {prefix}',
            )
        return part


def fill_backbone(backbone: nn.Module, stored: Mapping[str, Any], source: str) -> None:
    """Put ImageNet weights, any by its own names, or those of a whole model into a backbone.

    Args:
        backbone: Module to fill.
        stored: Content of a checkpoint, or a bare state dict.
        source: Where it is from, for messages.

    Raises:
        CheckpointError: If it belongs to another network.
    """
    with errors_of_file(source):
        weights, family = _backbone_weights(backbone, find_state_dict(stored))
    check_backbone_weights(backbone, weights, source)
    backbone.load_state_dict(weights, strict=False)
    backbone.weights_normalisation = _normalisation(stored, family)


def check_backbone_weights(
    backbone: nn.Module, weights: Mapping[str, Tensor], source: str, shown: int = SHOWN
) -> None:
    """Check that weights belong to a backbone.

    Args:
        backbone: Module that they are for.
        weights: Tensors by the names in the module.
        source: Where they are from, for the message.
        shown: Names of each kind of difference that the message lists.

    Raises:
        CheckpointError: If names or shapes differ, or a value is not finite.
    """
    optional: Sequence[str] = getattr(backbone, 'optional_weights', ())
    differences = compare_weights(weights, backbone.state_dict(), (*optional, COUNTERS))
    if any(differences):
        raise CheckpointError(
            f'does not fit this {type(backbone).__name__}: {differences.describe(shown)}',
            place=FilePlace(source),
            advice='Choose the weights of the same architecture and size',
        )
    check_finite(weights, source)


def _backbone_weights(
    backbone: nn.Module, state_dict: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], str | None]:
    """Return the weights by their names in the backbone, and the family; none for its own names."""
    try:
        family = detect_family(state_dict)
    except CheckpointError:
        weights = _bare(state_dict)
        if weights.keys().isdisjoint(backbone.state_dict()):
            raise
        return weights, None
    weights = convert(state_dict, family)
    if not weight_families()[family].is_backbone:
        weights = {key: value for key, value in weights.items() if key.startswith(BACKBONE_PREFIX)}
    return _bare(weights), family


def _normalisation(stored: Mapping[str, Any], family: str | None) -> Any:
    """Return what a family, or the one that a file was converted from, was trained with."""
    meta = stored.get('meta')
    origin = meta.get('converted_from') if isinstance(meta, Mapping) else None
    name = origin.get('family') if isinstance(origin, Mapping) else family
    found = weight_families().get(str(name))
    return found and found.normalisation


def _bare(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights without the prefix that all of them have."""
    bare = {bare_name(key): value for key, value in weights.items()}
    is_part = all(key.startswith(BACKBONE_PREFIX) for key in bare)
    return {key.removeprefix(BACKBONE_PREFIX) if is_part else key: bare[key] for key in bare}
