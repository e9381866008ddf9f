"""Reading of published ImageNet weights into a backbone."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cpose.errors import DAMAGED_FILE_ERRORS, CheckpointError
from cpose.models.checkpoint_keys import (
    BACKBONE_FAMILIES,
    BACKBONE_PREFIX,
    convert,
    detect_family,
    find_state_dict,
)

SHOWN = 5


def load_backbone_weights(backbone: nn.Module, path: str, may_lack: Sequence[str] = ()) -> None:
    """Load a file of ImageNet weights; only tensors are read, no code is run.

    Args:
        backbone: Module to fill.
        path: A ``.safetensors`` file, or one written by ``torch.save``.
        may_lack: Prefixes of parameters that the file need not have; they keep their values.

    Raises:
        CheckpointError: If the file cannot be read or belongs to another network.
    """
    source = f'{path} (config key model.backbone.pretrained_path)'
    fill_backbone(backbone, _read(Path(path), source), source, may_lack)


def fill_backbone(
    backbone: nn.Module, content: object, source: str, may_lack: Sequence[str] = ()
) -> None:
    """Put ImageNet weights into a backbone.

    Args:
        backbone: Module to fill.
        content: What a file of weights holds.
        source: Where it is from, for the message.
        may_lack: Prefixes of parameters that the file need not have; they keep their values.

    Raises:
        CheckpointError: If it belongs to another network.
    """
    try:
        weights = _backbone_weights(content)
    except CheckpointError as error:
        raise CheckpointError(f'{source}: {error}') from error
    check_backbone_weights(backbone, weights, source, may_lack)
    backbone.load_state_dict(weights, strict=False)


def check_backbone_weights(
    backbone: nn.Module,
    weights: Mapping[str, Tensor],
    source: str,
    may_lack: Sequence[str] = (),
    shown: int = SHOWN,
) -> None:
    """Check that weights belong to a backbone.

    Args:
        backbone: Module that they are for.
        weights: Tensors by the names in the module.
        source: Where they are from, for the message.
        may_lack: Prefixes of parameters that may be missing.
        shown: Names of each kind of difference that the message lists.

    Raises:
        CheckpointError: If names or shapes differ.
    """
    own = backbone.state_dict()
    prefixes = tuple(may_lack) or ('\0',)
    unknown = sorted(set(weights) - set(own))
    missing = sorted(
        key
        for key in set(own) - set(weights)
        if not key.startswith(prefixes) and not key.endswith('num_batches_tracked')
    )
    misshapen = sorted(
        f'{key} {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}'
        for key in set(own) & set(weights)
        if own[key].shape != weights[key].shape
    )
    if unknown or missing or misshapen:
        raise CheckpointError(
            f'{source} does not fit {type(backbone).__name__}: {len(unknown)} unknown '
            f'{unknown[:shown]}, {len(missing)} missing {missing[:shown]}, {len(misshapen)} of '
            f'other shape {misshapen[:shown]}. '
            'Choose the weights of the same architecture and size.'
        )


def _read(path: Path, source: str) -> object:
    try:
        if path.suffix == '.safetensors':
            return load_file(path)
        return torch.load(path, map_location='cpu', weights_only=True)
    except OSError as error:
        raise CheckpointError(
            f'{source} cannot be read: {error.strerror or error}. Check the path.'
        ) from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{source} cannot be read as weights: it is damaged or holds more than tensors. Copy '
            f'or download it again, or take the tensors out of it: `cpose convert {path} --out '
            'FILE --tensors-only`.'
        ) from error
    except (*DAMAGED_FILE_ERRORS, SafetensorError) as error:
        raise CheckpointError(
            f'{source} cannot be read as weights: it is cut off, damaged or another kind of file '
            f'({error or type(error).__name__}). Copy or download it again.'
        ) from error


def _backbone_weights(content: object) -> dict[str, Tensor]:
    """Return the weights by their names in the backbone."""
    state_dict = find_state_dict(content)
    family = detect_family(state_dict)
    if family not in BACKBONE_FAMILIES:
        raise CheckpointError(
            f'This is a whole model of the family {family!r}, not a backbone. '
            'Give it as load_from instead, or take its backbone by an init_cfg with '
            "prefix='backbone.'."
        )
    weights = convert(state_dict, family)
    return {key.removeprefix(BACKBONE_PREFIX): value for key, value in weights.items()}
