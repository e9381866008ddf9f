"""Initialisation from a checkpoint, by ``init_cfg``."""

from collections.abc import Mapping
from typing import Any

from mmengine.model import update_init_info
from torch import Tensor, nn

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.loading import load_weights
from cpose.errors import CheckpointError
from cpose.models.backbones.fan import PYRAMID_LAYERS
from cpose.models.backbones.pretrained_weights import fill_backbone
from cpose.models.checkpoint_keys import convert, detect_family, find_state_dict
from cpose.registry import WEIGHT_INITIALIZERS


@WEIGHT_INITIALIZERS.register_module()
class Pretrained:
    """Fill a module with the weights of a checkpoint of any known family.

    A detector takes whole models, a backbone takes ImageNet weights, and any module takes a file
    with its own names.

    Deviation from MMEngine 0.10.7, whose class of this name knows no families, leaves out what does
    not fit and runs pickled code: all names and shapes must agree, and only tensors are read.

    Args:
        checkpoint: File.
        prefix: With it, a module takes the part of a whole model whose names, as in `CenterPose`,
            begin so, for example ``backbone.``.
        tensors_only: See `load_checkpoint_file`.
    """

    def __init__(
        self, checkpoint: str, prefix: str | None = None, tensors_only: bool = False
    ) -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.tensors_only = tensors_only

    def __call__(self, module: nn.Module) -> None:
        """Load the weights.

        Raises:
            CheckpointError: If the file cannot be used, or is of another model.
        """
        stored = load_checkpoint_file(self.checkpoint, self.tensors_only)
        if self.prefix:
            load_weights(module, self._part(stored, self.prefix), self.checkpoint)
        elif hasattr(module, 'backbone') or not _is_of_a_family(stored):
            load_weights(module, stored, self.checkpoint)
        else:
            source = f'{self.checkpoint} (init_cfg of {type(module).__name__})'
            fill_backbone(module, stored, source, PYRAMID_LAYERS)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'Pretrained: {self.checkpoint}')

    def _part(self, stored: Mapping[str, Any], prefix: str) -> dict[str, Tensor]:
        """Return the weights whose names begin with the prefix, without it."""
        try:
            found = find_state_dict(stored)
            weights = convert(found, detect_family(found))
        except CheckpointError as error:
            raise CheckpointError(f'Checkpoint {self.checkpoint}: {error}') from error
        part = {
            key.removeprefix(prefix): value
            for key, value in weights.items()
            if key.startswith(prefix)
        }
        if not part:
            known = sorted({key.partition('.')[0] + '.' for key in weights})
            raise CheckpointError(
                f'Checkpoint {self.checkpoint} has no weights whose names begin with {prefix!r} '
                f'(init_cfg.prefix). They begin with {", ".join(known)}.'
            )
        return part


def _is_of_a_family(stored: Mapping[str, Any]) -> bool:
    try:
        detect_family(find_state_dict(stored))
    except CheckpointError:
        return False
    return True
