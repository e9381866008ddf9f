"""The config inside a checkpoint: JSON, never Python text."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.config_renames import rename_config
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError
from cpose.shipped_configs import complete_head
from cpose.type_gate import find_foreign

CONFIG_KEY = 'config_json'
"""Key in ``meta``. MMEngine executes the text under ``config``, so that key stays unused."""

LOCAL_BACKENDS = ('LocalVisBackend', 'TensorboardVisBackend')
"""Backends that send nothing to a server, whose address would stand in the config."""
ACTING_KEYS = ('runner_type', 'compile')
"""Keys that choose what runs the model; the options of a compilation can name programs."""
LOCAL_KEYS = ('load_from', 'resume', 'launcher')
"""Keys that belong to the run that wrote the checkpoint."""

OUTPUT_KEYS = (
    *('work_dir', 'save_dir', 'out_dir', 'log_dir', 'collect_dir', 'img_save_dir', 'dir_name'),
    *('dump_file', 'config_save_file', 'scalar_save_file', 'out_file_path', 'filename_tmpl'),
    *('json_trace_path', 'result_path', 'dir', 'backend_args', 'file_client_args'),
)
"""Keys of any part that say where it writes, or how: a model file must not choose that."""

PRETRAINED_KEYS = ('pretrained', 'pretrained_path', 'init_cfg', 'checkpoint_path')
"""Keys that make a part of the model download or read weights."""


def config_to_json(config: Config) -> str:
    """Return the config as JSON text."""
    return json.dumps(config.to_dict(), default=_plain_value)


def config_from_checkpoint(
    checkpoint: str | Path | Mapping[str, Any],
    allow_custom_imports: bool = False,
    tensors_only: bool = False,
) -> Config:
    """Return the config that a checkpoint carries.

    Left out are keys of the run that wrote it, places to write to, and weights that the
    checkpoint's replace; unless its code is trusted also the runner, the compilation, settings of a
    runtime, and visualizers that send what they get to a server.

    Args:
        checkpoint: File, or its content.
        allow_custom_imports: Follow ``custom_imports`` into any package, not only `cpose`.
        tensors_only: See `load_checkpoint_file`.

    Raises:
        CheckpointError: If it has none, or its config would import or call foreign code.
    """
    is_file = isinstance(checkpoint, str | Path)
    name = str(checkpoint) if is_file else 'the checkpoint'
    stored: Any = load_checkpoint_file(str(checkpoint), tensors_only) if is_file else checkpoint
    meta = stored.get('meta')
    text = meta.get(CONFIG_KEY) if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        raise CheckpointError(
            'carries no config',
            argument='checkpoint',
            place=FilePlace(name),
            advice='Give {config}',
        )
    return config_from_json(text, name, allow_custom_imports)


def config_from_json(text: str, name: str, allow_custom_imports: bool = False) -> Config:
    """Return the config that a model file carries as JSON text, with the names of today.

    Args:
        text: As `config_to_json` wrote it.
        name: The file, for messages.
        allow_custom_imports: See `config_from_checkpoint`.

    Raises:
        CheckpointError: If it is not JSON, or would import or call foreign code.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f'carries a config that is not JSON: {error}',
            place=FilePlace(name),
            advice='Give {config}',
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(
            'carries a config that is no JSON object',
            place=FilePlace(name),
            advice='Give {config}',
        )
    for key in LOCAL_KEYS:
        content.pop(key, None)
    content = _without(content, OUTPUT_KEYS)
    if isinstance(content.get('model'), dict):
        content['model'] = without_pretrained(content['model'])
    if not allow_custom_imports:
        _check_imports(name, content.get('custom_imports'))
        _check_types(name, content)
        content = _tame(content)
    return Config(complete_head(rename_config(content)[0]))


def without_pretrained(node: Any) -> Any:
    """Return the config of a model that loads no weights while it is built."""
    return _without(node, PRETRAINED_KEYS)


def _without(node: Any, keys: Collection[str]) -> Any:
    """Return a copy of nested dicts and lists without some keys."""
    if isinstance(node, Mapping):
        return {key: _without(value, keys) for key, value in node.items() if key not in keys}
    return [_without(item, keys) for item in node] if isinstance(node, list) else node


def _check_imports(name: str, custom_imports: Any) -> None:
    if not custom_imports:
        return
    modules = custom_imports
    if isinstance(custom_imports, Mapping):
        modules = custom_imports.get('imports', [])
    modules = list(modules) if isinstance(modules, list | tuple) else [modules]
    foreign = [module for module in modules if str(module).split('.')[0] != 'cpose']
    if foreign:
        raise CheckpointError(
            f'carries a config that wants to import {", ".join(map(str, foreign))} (key '
            'custom_imports)',
            place=FilePlace(name),
            advice='If you trust them use {allow_custom_imports}',
        )


def _check_types(name: str, content: Any) -> None:
    for place, kind in find_foreign(content):
        raise CheckpointError(
            f'carries a config that wants to use {kind!r} ({place}); only registered names are '
            'accepted from a model file',
            place=FilePlace(name),
            advice='If you trust it use {allow_custom_imports}',
        )


def _tame(content: dict[str, Any]) -> dict[str, Any]:
    """Return a config without what could act on this machine although its types are known."""
    for key in ACTING_KEYS:
        content.pop(key, None)
    runtime = content.get('runtime')
    if isinstance(runtime, Mapping):
        content['runtime'] = {key: value for key, value in runtime.items() if key == 'type'}
    visualizer = content.get('visualizer')
    if isinstance(visualizer, Mapping) and isinstance(visualizer.get('vis_backends'), list):
        kept = [item for item in visualizer['vis_backends'] if _is_local(item)]
        content['visualizer'] = {**visualizer, 'vis_backends': kept}
    return content


def _is_local(backend: Any) -> bool:
    kind = backend.get('type') if isinstance(backend, Mapping) else None
    return str(kind).rpartition('.')[2] in LOCAL_BACKENDS


def _plain_value(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, '__qualname__'):  # of classes and functions
        return f'{value.__module__}.{value.__qualname__}'
    return str(value)
