"""Put weights into a model, strictly."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from cpose.errors import CheckpointError
from cpose.models.checkpoint_keys import (
    BACKBONE_FAMILIES,
    BACKBONE_PREFIX,
    convert,
    detect_family,
    find_state_dict,
)

SHOWN = 4
WRAPPER_PREFIX = 'module.'
CENTER_WEIGHT = 'head.branches.outputs.hm.out.weight'
"""Has one row per category."""


def bare_model(model: nn.Module) -> nn.Module:
    """Return the model without its distributed wrapper."""
    wrapper: Any = model
    return wrapper.module if is_model_wrapper(model) else model


def own_weights(model: nn.Module, stored: Mapping[str, Any], path: str | Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint of any known family by our names.

    Args:
        model: The model that they are for; its names win.
        stored: Content of a checkpoint, or a bare state dict.
        path: Where it is from, for messages.

    Raises:
        CheckpointError: If it holds no weights, or only those of a backbone.
    """
    try:
        found = find_state_dict(stored)
        weights = {key.removeprefix(WRAPPER_PREFIX): value for key, value in found.items()}
        is_backbone = all(key.startswith(BACKBONE_PREFIX) for key in weights)
        if not is_backbone and not weights.keys().isdisjoint(model.state_dict()):
            return weights
        family = detect_family(found)
        if family in BACKBONE_FAMILIES:
            raise CheckpointError(
                'It holds a backbone (ImageNet weights), not a pose model. '
                'Set model.backbone.pretrained_path to it and train.'
            )
        return convert(found, family)
    except CheckpointError as error:
        raise CheckpointError(f'Checkpoint {path}: {error}') from error


def load_weights(
    model: nn.Module, stored: Mapping[str, Any], path: str | Path, shown: int = SHOWN
) -> None:
    """Load the weights of a checkpoint into a model; all keys and shapes must agree.

    Args:
        model: Model of this project.
        stored: Content of a checkpoint, or a bare state dict; any known family.
        path: Where it is from, for messages.
        shown: Names of each kind of difference that the message lists.

    Raises:
        CheckpointError: If it is of another model; the message lists the differences.
    """
    weights = own_weights(model, stored, path)
    own = model.state_dict()
    missing = [key for key in own if key not in weights]
    unexpected = [key for key in weights if key not in own]
    reshaped = [
        f'{key} {tuple(value.shape)} instead of {tuple(own[key].shape)}'
        for key, value in weights.items()
        if key in own and value.shape != own[key].shape
    ]
    if missing or unexpected or reshaped:
        differences = [
            f'{len(keys)} {what} ({_some(keys, shown)})'
            for keys, what in (
                (missing, 'missing'),
                (unexpected, 'unexpected'),
                (reshaped, 'of another shape'),
            )
            if keys
        ]
        raise CheckpointError(
            f'Checkpoint {path} does not fit this {type(model).__name__}: '
            f'{", ".join(differences)}. {_hint(missing, reshaped, weights)}'
        )
    model.load_state_dict(weights)


def _hint(missing: list[str], reshaped: list[str], weights: Mapping[str, Tensor]) -> str:
    if any(key.startswith('backbone.') for key in [*missing, *reshaped]):
        return (
            'It is of another backbone: use the config it was trained with, '
            'or "-" to take the config from the checkpoint.'
        )
    if any(text.startswith(f'{CENTER_WEIGHT} ') for text in reshaped):
        return (
            f'It has {len(weights[CENTER_WEIGHT])} categories: set model.head.num_classes='
            f'{len(weights[CENTER_WEIGHT])} and as many names in metainfo.category.'
        )
    if reshaped:
        return 'Compare model.head.num_classes and the widths with the config of the checkpoint.'
    return 'Compare model.neck and model.head with the config of the checkpoint.'


def _some(keys: Iterable[str], shown: int) -> str:
    names = list(keys)
    return ', '.join(names[:shown]) + (', …' if len(names) > shown else '')
