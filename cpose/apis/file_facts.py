"""What a config says against the model file that it is given with."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.inference.inference_parts import LOADERS, data_setting, named_categories
from cpose.apis.runtime_files import config_from_file, is_runtime_file
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.stored_config import config_from_checkpoint
from cpose.errors import UserError

Fact = Callable[[Config], Any]


def _at(place: str, default: Any = None) -> Fact:
    def look_up(config: Config) -> Any:
        first, *further = place.split('.')
        node: Any = config.get(first)
        for part in further:
            node = node.get(part) if isinstance(node, Mapping) else None
        return default if node is None else node

    return look_up


def _input_wh(config: Config) -> Any:
    return data_setting(config, 'input_wh', LOADERS)


def _category(config: Config) -> Any:
    names = named_categories(config)
    return names[0] if len(names) == 1 else None


CHOSEN: dict[str, Fact] = {
    'metainfo.category': _category,
    'input_wh': _input_wh,
    'model.data_preprocessor.mean': _at('model.data_preprocessor.mean'),
    'model.data_preprocessor.std': _at('model.data_preprocessor.std'),
    'model.data_preprocessor.channel_order': _at('model.data_preprocessor.channel_order', 'bgr'),
}
"""What was so when the weights of a checkpoint were learnt; another config may choose otherwise."""
BUILT_IN: dict[str, Fact] = {
    **{key: fact for key, fact in CHOSEN.items() if key.startswith('model.')},
    'model.head.num_classes': _at('model.head.num_classes', 1),
    'model.head.codec.num_select': _at('model.head.codec.num_select', 100),
    'model.neck.out_stride': _at('model.neck.out_stride', 4),
}
"""What is part of an exported graph, which no config changes; its size is refused elsewhere."""


def tell_contradictions(config: Config, path: str | Path, is_own: bool) -> None:
    """Warn where a config gives another value than the one that a model file carries.

    Args:
        config: With overrides.
        path: The file; one that cannot be read is left to what opens it.
        is_own: Whether the config is the file's, changed by overrides, which say what they want.
    """
    is_exported = is_runtime_file(path)
    stored = _stored_config(path)
    if stored is None:
        return
    fixed = BUILT_IN if is_exported else {}
    names = ('metainfo.category',) if is_exported else CHOSEN
    chosen = {} if is_own else {key: CHOSEN[key] for key in names}
    for facts, outcome in (
        (fixed, 'The file holds, as it was made so'),
        (chosen, "The config holds: give '-' in its place to take what the file has"),
    ):
        for key, value, known in _differences(config, stored, facts):
            warnings.warn(
                f'config key {key}={value!r}, but {path} has {known!r}. {outcome}.', stacklevel=3
            )


def _differences(
    config: Config, stored: Config, facts: Mapping[str, Fact]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield keys with both values where both tell one."""
    for key, find in facts.items():
        value, known = (_plain(find(where)) for where in (config, stored))
        if value is not None and known is not None and value != known:
            yield key, value, known


def _plain(value: Any) -> Any:
    """Return a sequence as a list, which JSON made of tuples."""
    return list(value) if isinstance(value, list | tuple) else value


def _stored_config(path: str | Path) -> Config | None:
    try:
        if is_runtime_file(path):
            return config_from_file(path)
        content = load_checkpoint_file(path, tensors_only=True)
        return config_from_checkpoint(content)
    except UserError:
        return None
