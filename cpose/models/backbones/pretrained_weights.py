"""Reading of published ImageNet weights into a backbone."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cpose.errors import CheckpointError
from cpose.models.checkpoint_keys import (
    BACKBONE_FAMILIES,
    BACKBONE_PREFIX,
    convert,
    detect_family,
    find_state_dict,
)


def load_backbone_weights(backbone: nn.Module, path: str, may_lack: Sequence[str] = ()) -> None:
    """Load a file of ImageNet weights; only tensors are read, no code is run.

    Args:
        backbone: Module to fill.
        path: A ``.safetensors`` file, or one written by ``torch.save``.
        may_lack: Prefixes of parameters that the file need not have; they keep their values.

    Raises:
        CheckpointError: If the file cannot be read or belongs to another network.
    """
    state_dict = find_state_dict(_read(Path(path)))
    family = detect_family(state_dict)
    if family not in BACKBONE_FAMILIES:
        raise CheckpointError(
            f'{path} is a whole model of the family {family!r}, not a backbone. '
            'Give it as load_from instead of model.backbone.pretrained_path.'
        )
    weights = {
        key.removeprefix(BACKBONE_PREFIX): value
        for key, value in convert(state_dict, family).items()
    }
    _check_fit(backbone, weights, path, tuple(may_lack))
    backbone.load_state_dict(weights, strict=False)


def _read(path: Path) -> object:
    try:
        if path.suffix == '.safetensors':
            return load_file(path)
        return torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, SafetensorError) as error:
        raise CheckpointError(
            f'{path} (config key model.backbone.pretrained_path) cannot be read as weights: {error}'
        ) from error


def _check_fit(
    backbone: nn.Module, weights: dict[str, Tensor], path: str, may_lack: tuple[str, ...]
) -> None:
    own = backbone.state_dict()
    unknown = sorted(set(weights) - set(own))
    missing = sorted(
        key
        for key in set(own) - set(weights)
        if not key.startswith(may_lack or ('\0',)) and not key.endswith('num_batches_tracked')
    )
    misshapen = sorted(
        f'{key} {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}'
        for key in set(own) & set(weights)
        if own[key].shape != weights[key].shape
    )
    if unknown or missing or misshapen:
        raise CheckpointError(
            f'{path} (config key model.backbone.pretrained_path) does not fit '
            f'{type(backbone).__name__}: unknown {unknown[:5]}, missing {missing[:5]}, of other '
            f'shape {misshapen[:5]}. Choose the weights of the same architecture and size.'
        )
