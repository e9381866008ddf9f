"""From a checkpoint of any known family to one of this project."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor

from cpose import __version__
from cpose.apis.builder import build_model
from cpose.apis.config.check import import_custom_modules
from cpose.apis.config.load import load_config
from cpose.apis.conversion_config import ConfigChoice, check_config_fits, choose_config
from cpose.apis.inference.inference_parts import find_categories
from cpose.apis.runtime_files import is_runtime_file
from cpose.checkpoints.architecture import Architecture, infer_architecture
from cpose.checkpoints.base import Dropped, WeightFamily
from cpose.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_atomic
from cpose.checkpoints.integrity import check_finite
from cpose.checkpoints.loading import (
    BACKBONE_PREFIX,
    STATE_DICT_KEYS,
    find_state_dict,
    load_weights,
)
from cpose.checkpoints.pretrained import check_backbone_weights
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json, without_pretrained
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError, OutputError, errors_of_file
from cpose.files.json_files import check_place
from cpose.files.outputs import check_output, note_input, outputs_guarded
from cpose.models.checkpoint_keys import convert, detect_family, weight_families
from cpose.registry import MODELS

LISTED = 40
"""Names of each kind that the message lists where weights do not fit."""

ENCRYPTED_KEY = 'state_dict_encrypted'
ADVICE = ('Make room', 'Choose another {out}')


@dataclass(frozen=True)
class Conversion:
    """What was found and what became of it.

    Attributes:
        family: As `detect_family` tells it.
        title: What people call the family.
        is_backbone: Whether the file is for ``model.backbone.pretrained_path``.
        architecture: The network.
        weights: Tensors by our names, as they were written.
        num_tensors: Number of tensors in the file.
        dropped: Tensors left out, and why.
        other_entries: Entries of the file besides the weights, which were left out too.
        config_name: The config that the file carries; empty for none.
    """

    family: str
    title: str
    is_backbone: bool
    architecture: Architecture
    weights: Mapping[str, Tensor]
    num_tensors: int
    dropped: list[Dropped]
    other_entries: tuple[str, ...]
    config_name: str


@outputs_guarded()
def convert_checkpoint(
    checkpoint: str | Path,
    out: str | Path,
    choice: ConfigChoice | None = None,
    tensors_only: bool = False,
    force: bool = False,
    half: bool = False,
) -> Conversion:
    """Write a checkpoint of this project with the weights of another one.

    It holds tensors and primitives, and a config if one is chosen or carried.

    Args:
        checkpoint: File of a registered family, see `cpose.checkpoints.base.WeightFamily`.
        out: File to write; its ending decides the format, see `find_format`.
        choice: Where the config comes from. For a backbone its ``config`` names the network that
            the weights are for; a family of the packages that it imports is known, too.
        tensors_only: See `load_checkpoint_file`.
        force: Replace an existing file.
        half: Write weights as FP16, half the size; they are FP32 again in a model.

    Raises:
        CheckpointError: If the file cannot be used, is of no known family or does not fit, or has
            weights beyond the range of FP16.
        ConfigError: If the config cannot be found or built, or is given for a backbone.
        OutputError: If ``out`` exists or cannot be written.
    """
    _check_out(Path(checkpoint), Path(out), force)
    choice = choice or ConfigChoice()
    given = load_config(choice.config, choice.options) if choice.config else None
    if given is not None:
        import_custom_modules(given)
    stored = load_checkpoint_file(checkpoint, tensors_only)
    with errors_of_file(checkpoint):
        state_dict = _find_weights(stored)
        name = detect_family(state_dict)
        family: WeightFamily = weight_families()[name]
        weights = convert(state_dict, name)
        found = infer_architecture(weights)
    meta: dict[str, Any] = {
        'converted_from': {'file': Path(checkpoint).name, 'family': name},
        'versions': {'cpose': __version__},
    }
    config_name = ''
    if family.is_backbone:
        weights = _backbone_weights(weights, found, choice, given, checkpoint)
    else:
        config, config_name = choose_config(choice, found, stored)
        check_config_fits(found, config, config_name, checkpoint)
        config.model = without_pretrained(config.model.to_dict())
        model = build_model(config)
        load_weights(model, weights, checkpoint, LISTED)
        weights = model.state_dict()
        if config_name:
            meta[CONFIG_KEY] = config_to_json(config)
            meta['class_names'] = list(find_categories(config))
    if half:
        weights = _halved(weights, checkpoint)
    save_checkpoint_atomic(out, {'state_dict': dict(weights), 'meta': meta}, ADVICE)
    return Conversion(
        name,
        family.title,
        family.is_backbone,
        found,
        weights,
        len(state_dict),
        family.dropped(state_dict),
        _other_entries(stored),
        config_name,
    )


def _check_out(checkpoint: Path, out: Path, force: bool) -> None:
    note_input(checkpoint)
    check_output(out)
    check_place(out)
    if is_runtime_file(out):
        raise OutputError(
            'has the ending of a file that holds a network to run, and this one holds weights',
            argument='out',
            place=FilePlace(out),
            advice='End it with .pth or .safetensors',
        )
    if not out.exists():
        return
    if not force:
        raise OutputError(
            'exists',
            argument='out',
            place=FilePlace(out),
            advice=('Choose another {out}', 'Replace it with {force}'),
        )


def _halved(weights: Mapping[str, Tensor], checkpoint: Any) -> dict[str, Tensor]:
    """Return weights as FP16; counters stay whole numbers."""
    halved = {
        name: value.half() if value.is_floating_point() else value
        for name, value in weights.items()
    }
    check_finite(halved, f'{checkpoint} in FP16', 'Leave out {half}')
    return halved


def _find_weights(stored: Mapping[str, Any]) -> dict[str, Tensor]:
    if stored.get(ENCRYPTED_KEY):
        raise CheckpointError(
            f'The weights are encrypted by TAO (key {ENCRYPTED_KEY})',
            advice='Decrypt them where the key is known: load the checkpoint there and save its '
            'state_dict with torch.save',
        )
    return find_state_dict(stored)


def _other_entries(stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the entries of a checkpoint that `find_state_dict` does not take."""
    used = next((key for key in STATE_DICT_KEYS if isinstance(stored.get(key), Mapping)), None)
    if used is not None:
        return tuple(str(key) for key in stored if key != used)
    return tuple(str(key) for key, value in stored.items() if not isinstance(value, Tensor))


def _backbone_weights(
    weights: Mapping[str, Tensor],
    found: Architecture,
    choice: ConfigChoice,
    given: Config | None,
    checkpoint: Any,
) -> dict[str, Tensor]:
    """Return the weights of a backbone after a check against the network."""
    if choice.category or (choice.options and given is None):
        raise ConfigError(
            'holds a backbone only, which carries no config',
            place=FilePlace(checkpoint),
            advice='Leave out {category} and {options}; {config} names the network that it is '
            'checked against',
        )
    if given is None and not found.backbone:
        raise CheckpointError(
            'is a backbone that no shipped config is for',
            place=FilePlace(checkpoint),
            advice='Give the config of the model whose backbone it fills as {config}',
        )
    config = given or load_config(f'_base_/models/{found.backbone}')
    with DefaultScope.overwrite_default_scope('cpose'):
        backbone = MODELS.build(without_pretrained(config.model.backbone.to_dict()))
    bare = {key.removeprefix(BACKBONE_PREFIX): value for key, value in weights.items()}
    check_backbone_weights(backbone, bare, str(checkpoint), LISTED)
    own = backbone.state_dict()
    return {f'{BACKBONE_PREFIX}{key}': value.to(own[key].dtype) for key, value in bare.items()}
