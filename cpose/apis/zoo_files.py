"""From the name of a model to its file and config, and from a file to the Hugging Face Hub."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from cpose.apis.metafile import ZooModel
from cpose.apis.runtime_files import file_metadata, is_runtime_file
from cpose.apis.zoo import find_model, hub_header, list_models, model_card, train_command
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.stored_config import CONFIG_KEY
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError, OutputError
from cpose.files.user_cache import check_sha256, file_sha256
from cpose.files.weight_files import HUB_FILE, HUB_SCHEME, find_weights, is_location

CARD_FILE = 'README.md'
HUB_STEM = 'model'
UPLOADED = ('.safetensors', '.onnx')


class ModelFile(NamedTuple):
    """What ``--model`` stands for.

    Attributes:
        path: File with the weights.
        config: File or name of the config; None if the file carries its own.
    """

    path: Path
    config: str | None


def resolve_model(name: str | Path) -> ModelFile:
    """Return the file of a model, downloaded if need be.

    Args:
        name: Model of the zoo, a location (see `cpose.files.weight_files`) or a file. The last two
            must carry their config.

    Raises:
        ConfigError: If there is no such model, or it has no weights that can be loaded from here.
        CheckpointError: If the file is missing, cannot be downloaded or has another checksum.
    """
    if is_location(name):
        return ModelFile(find_weights(name), None)
    text, path = str(name), Path(name)
    if path.suffix and path.is_file():
        return ModelFile(path, None)
    if any(model.name == text for model in list_models()):
        return _model_of(find_model(text))
    if path.suffix or os.sep in text or path.is_file():
        _check_there(path)
        return ModelFile(path, None)
    return _model_of(find_model(text))


def choose_files(
    config: Any, checkpoint: str | Path | None, model: str | Path | None
) -> tuple[Any, str | Path | None]:
    """Return config and checkpoint of a call in Python, which ``model`` may stand for.

    Args:
        config: As given.
        checkpoint: As given; a location becomes a file.
        model: As for `resolve_model`; None for none.

    Raises:
        ConfigError: If there is a model beside one of the others.
        UserError: See `resolve_model`.
    """
    if model is None:
        return config, None if checkpoint is None else find_weights(checkpoint)
    if config is not None or checkpoint is not None:
        raise ConfigError(
            'stands for config and checkpoint',
            argument='model',
            value=model,
            advice='Leave out {config} and {checkpoint}',
        )
    found = resolve_model(model)
    return found.config, found.path


def _model_of(model: ZooModel) -> ModelFile:
    if not model.weights:
        raise _no_weights(model)
    path = find_weights(model.weights, model.sha256)
    if not is_location(model.weights):
        _check_there(path)
        check_sha256(path, model.sha256, model.weights)
    is_needed = bool(model.config) and not _carries_config(path)
    return ModelFile(path, model.config if is_needed else None)


def _no_weights(model: ZooModel) -> ConfigError:
    if model.published:
        problem = f'is published by others ({model.published["By"]}): you bring the file'
        advice: tuple[str, ...] = (
            f'Take it from {model.published["URL"]}, run `{model.published["Convert"]}` and give '
            'the new file as {model}',
        )
    else:
        problem = 'has a config, but no weights'
        advice = (f'Train it: `{train_command(model)}`', 'Choose one that `cpose zoo` lists')
    return ConfigError(problem, argument='model', value=model.name, advice=advice)


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(
            'does not exist',
            place=FilePlace(path),
            advice=('Check the path', 'Choose a model that `cpose zoo` lists'),
        )


def _carries_config(path: Path) -> bool:
    if is_runtime_file(path):
        return True
    meta = load_checkpoint_file(path, tensors_only=True).get('meta')
    return isinstance(meta, Mapping) and isinstance(meta.get(CONFIG_KEY), str)


def describe_file(path: Path, license_name: str = '') -> ZooModel:
    """Return what a file that carries its config tells about itself, as an entry of the zoo.

    Raises:
        CheckpointError: If it carries none, or is no model file.
    """
    categories, input_wh = _carried_facts(path)
    return ZooModel(
        name=path.stem,
        backbone='see the config in the file',
        categories=categories,
        config='',
        weights=str(path),
        sha256=file_sha256(path),
        num_bytes=path.stat().st_size,
        license=license_name,
        data='',
        command='',
        input_wh=input_wh,
        speeds=(),
        results=(),
        published={},
        tao='',
        notes='',
        metafile=path,
    )


def _carried_facts(path: Path) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the names of the categories, and the input size where the file fixes it."""
    if is_runtime_file(path):
        metadata = file_metadata(path)
        return tuple(metadata.class_names), tuple(metadata.input_wh)
    meta: Any = load_checkpoint_file(path, tensors_only=True).get('meta') or {}
    if 'class_names' not in meta:
        raise CheckpointError(
            'carries no config and no names of categories',
            place=FilePlace(path),
            advice='Write it with its config to a .safetensors file by `cpose convert`',
        )
    return tuple(meta['class_names']), ()


def push_model(
    name: str | Path, repository: str, private: bool = False, license_name: str = ''
) -> str:
    """Upload a model with its card to the Hugging Face Hub, under the account that is logged in.

    Everybody can then use it as ``--model hf:OWNER/NAME``.

    Args:
        name: As for `resolve_model`.
        repository: ``OWNER/NAME``, made if it does not exist.
        private: Whether a new repository is private.
        license_name: Licence of a file that is not in the zoo.

    Returns:
        The address of the commit.

    Raises:
        OutputError: If it cannot be uploaded.
        UserError: See `resolve_model`, `describe_file`.
    """
    from huggingface_hub import CommitOperationAdd, HfApi  # an import that listing does not need
    from huggingface_hub.errors import HfHubHTTPError

    path = resolve_model(name).path
    if path.suffix not in UPLOADED:
        raise CheckpointError(
            f'is no {" or ".join(UPLOADED)} file',
            place=FilePlace(path),
            advice='Write a .safetensors file of it by `cpose convert`',
        )
    known = [model for model in list_models() if model.name == str(name)]
    model = known[0] if known else describe_file(path, license_name)
    file = HUB_STEM + path.suffix
    location = HUB_SCHEME + repository + ('' if file == HUB_FILE else f'/{file}')
    described = replace(model, weights=location, metafile=path)
    card = hub_header(model) + model_card(described, location)
    api = HfApi()
    failures: tuple[Any, ...] = (OSError, ValueError, *HfHubHTTPError.__bases__)
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.create_commit(
            repository,
            [
                CommitOperationAdd(file, str(path)),
                CommitOperationAdd(CARD_FILE, card.encode()),
            ],
            commit_message=f'{model.name}, by cpose',
        )
    except failures as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise OutputError(
            f'cannot be written: {lines[0] if lines else type(error).__name__}',
            place=FilePlace(HUB_SCHEME + repository),
            advice=('Log in with `hf auth login`', 'Check the name and the network'),
        ) from error
    return str(commit.commit_url)
