"""Put weights into a model, strictly."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor, nn

from cpose.checkpoints.categories import CENTER_OUTPUT
from cpose.checkpoints.integrity import check_finite
from cpose.checkpoints.renaming import bare_name
from cpose.error_places import FilePlace, listed
from cpose.errors import CheckpointError, errors_of_file
from cpose.models.checkpoint_keys import convert, detect_family, weight_families

SHOWN = 4
STATE_DICT_KEYS = ('state_dict', 'model', 'state_dict_ema')
BACKBONE_PREFIX = 'backbone.'


class Differences(NamedTuple):
    """In what tensors and the module that they are for do not agree.

    Attributes:
        missing: Names of the module that have no tensor.
        unexpected: Names of tensors that the module does not have.
        misshapen: Names with both shapes.
    """

    missing: list[str]
    unexpected: list[str]
    misshapen: list[str]

    def describe(self, shown: int = SHOWN) -> str:
        """Return the counts and the first ``shown`` names of each kind; empty if all agree."""
        kinds = {
            'missing': self.missing,
            'unexpected': self.unexpected,
            'of another shape': self.misshapen,
        }
        return ', '.join(
            f'{len(names)} {kind} ({listed(names, shown)})'
            for kind, names in kinds.items()
            if names
        )


def compare_weights(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], may_lack: Sequence[str] = ()
) -> Differences:
    """Compare tensors with the state dict of the module that they are for.

    Args:
        weights: Tensors by the names in the module.
        own: State dict of the module.
        may_lack: Patterns, with ``*``, of names that need no tensor.
    """
    return Differences(
        [
            key
            for key in own
            if key not in weights and not any(fnmatchcase(key, pattern) for pattern in may_lack)
        ],
        [key for key in weights if key not in own],
        [
            f'{key} {tuple(value.shape)} instead of {tuple(own[key].shape)}'
            for key, value in weights.items()
            if key in own and value.shape != own[key].shape
        ],
    )


def find_state_dict(checkpoint: object) -> dict[str, Tensor]:
    """Find the state dict in what a checkpoint file holds.

    Raises:
        CheckpointError: If there is none.
    """
    content = checkpoint if isinstance(checkpoint, Mapping) else {}
    nested = [content[key] for key in STATE_DICT_KEYS if isinstance(content.get(key), Mapping)]
    weights = nested[0] if nested else content
    tensors = {key: value for key, value in weights.items() if isinstance(value, Tensor)}
    if tensors:
        return tensors
    raise CheckpointError(
        'holds no weights: expected a dict of tensors, or one under '
        f'{" or ".join(STATE_DICT_KEYS)}',
        argument='checkpoint',
    )


def bare_model(model: nn.Module) -> nn.Module:
    """Return the model without its wrapper, of distributed runs or of test-time augmentation."""
    wrapper: Any = model
    is_wrapped = is_model_wrapper(model) or isinstance(model, BaseTTAModel)
    return bare_model(wrapper.module) if is_wrapped else model


def own_weights(model: nn.Module, stored: Mapping[str, Any], path: str | Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint of any known family by our names.

    Args:
        model: The model that they are for; its names win.
        stored: Content of a checkpoint, or a bare state dict.
        path: Where it is from, for messages.

    Raises:
        CheckpointError: If it holds no weights, or only those of a backbone.
    """
    with errors_of_file(path):
        found = find_state_dict(stored)
        weights = {bare_name(key): value for key, value in found.items()}
        is_backbone = all(key.startswith(BACKBONE_PREFIX) for key in weights)
        if not is_backbone and not weights.keys().isdisjoint(model.state_dict()):
            return weights
        family = detect_family(found)
        if weight_families()[family].is_backbone:
            raise CheckpointError(
                'holds a backbone (ImageNet weights), not a pose model',
                argument='checkpoint',
                advice='Give it to the backbone as pretrained_path and train',
            )
        return convert(found, family)


def load_weights(
    model: nn.Module,
    stored: Mapping[str, Any],
    path: str | Path,
    shown: int = SHOWN,
    may_lack: Sequence[str] = (),
) -> None:
    """Load the weights of a checkpoint into a model; all keys and shapes must agree.

    Args:
        model: Model of this project.
        stored: Content of a checkpoint, or a bare state dict; any known family.
        path: Where it is from, for messages.
        shown: Names of each kind of difference that the message lists.
        may_lack: Patterns, with ``*``, of names that need no tensor.

    Raises:
        CheckpointError: If it is of another model; the message lists the differences.
    """
    weights = own_weights(model, stored, path)
    differences = compare_weights(weights, model.state_dict(), may_lack)
    if any(differences):
        raise CheckpointError(
            f'does not fit this {type(model).__name__}: {differences.describe(shown)}',
            argument='checkpoint',
            place=FilePlace(path),
            advice=_hint(differences, weights),
        )
    check_finite(weights, str(path))
    _check_types(weights, model.state_dict(), path)
    model.load_state_dict(weights, strict=not may_lack)


def _check_types(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], path: str | Path
) -> None:
    """Raise if whole or complex numbers stand where the model has real ones."""
    odd = [
        f'{key} {str(value.dtype).removeprefix("torch.")}'
        for key, value in weights.items()
        if own[key].is_floating_point() and not value.is_floating_point()
    ]
    if odd:
        raise CheckpointError(
            f'has {len(odd)} weights that are no floating-point numbers ({listed(odd, SHOWN)})',
            argument='checkpoint',
            place=FilePlace(path),
            advice='Give the weights from before they were quantised',
        )


def _hint(differences: Differences, weights: Mapping[str, Tensor]) -> str:
    reshaped = differences.misshapen
    if any(key.startswith(BACKBONE_PREFIX) for key in [*differences.missing, *reshaped]):
        return 'It is of another backbone: give the {config} it was trained with'
    if any(text.startswith(f'{CENTER_OUTPUT[0]} ') for text in reshaped):
        number = len(weights[CENTER_OUTPUT[0]])
        return (
            f'It has {number} categories: give the head as num_classes {number}, and as many names '
            'in metainfo.category.'
        )
    if reshaped:
        return 'Compare num_classes of the head and the widths with the config of the checkpoint.'
    return 'Compare neck and head with the config of the checkpoint.'
