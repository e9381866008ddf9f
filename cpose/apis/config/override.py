"""Change a config by dotted keys: dicts merge, items of lists have numbers."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from keyword import iskeyword
from typing import Any

from mmengine.config.config import RESERVED_KEYS

from cpose.error_places import with_value
from cpose.errors import ConfigError, nearest_names

DELETE_KEY = '_delete_'
READ_KEYS = frozenset(
    {
        *('auto_scale_lr', 'compile', 'custom_hooks', 'custom_imports', 'data_preprocessor'),
        *('default_hooks', 'default_scope', 'env_cfg', 'experiment_name'),
        *('find_unused_parameters', 'launcher', 'load_from', 'load_tensors_only', 'log_level'),
        *('log_processor', 'model', 'model_wrapper_cfg', 'optim_wrapper', 'param_scheduler'),
        *('presets', 'randomness', 'resume', 'runner_type', 'runtime', 'sync_bn', 'test_cfg'),
        *('test_dataloader', 'test_evaluator', 'train_cfg', 'train_dataloader', 'val_cfg'),
        *('val_dataloader', 'val_evaluator', 'visualizer', 'work_dir'),
    }
)
"""Top-level keys that mean something whether a config has them or not."""
SIMILAR = 0.8
"""Likeness from which a key counts as a misspelt one, 0 to 1."""
ADVICE = 'See the keys of the config with `cpose print-config CONFIG`.'


def nest_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options by dotted key as one tree.

    Raises:
        ConfigError: If a key is no name, has an empty part, or is set as a value and as a dict.
    """
    tree: dict[str, Any] = {}
    for key, value in options.items():
        *folders, last = words = key.split('.')
        is_name = words[0].isidentifier() and not iskeyword(words[0])
        if not is_name or words[0] in RESERVED_KEYS or not all(words):
            raise ConfigError(
                'cannot be a config key', argument='options', value=key, advice=ADVICE
            )
        node = tree
        for word in folders:
            node = node.setdefault(word, {})
            if not isinstance(node, dict):
                raise ConfigError(
                    'contradict each other',
                    argument='options',
                    value=list(options),
                    advice='Leave out one of them.',
                )
        node[last] = deepcopy(value)
    return tree


def refuse_misspelt(options: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse a new top-level key that is nearly one that is read.

    Raises:
        ConfigError: Naming the nearest keys.
    """
    names = READ_KEYS.union(known)
    for key in options:
        close = get_close_matches(key, names, cutoff=SIMILAR)
        if close and key not in names:
            raise ConfigError(
                'is not in the config',
                argument='options',
                value=key,
                advice=f'{nearest_names(key, close)} A key of your own with a name so near must '
                'stand in the config.',
            )


def merge_option(old: Any, new: Any, key: str = '') -> Any:
    """Return what an override makes of a part of a config.

    Args:
        old: The part; None and plain values are no dict to merge into.
        new: A dict changes the named keys of a dict, or the numbered items of a list; with
            ``_delete_=True`` it takes the place of what was there, as anything else does.
        key: Where the part is, for messages.

    Raises:
        ConfigError: If a dict meets what it cannot change.
    """
    if not isinstance(new, Mapping):
        return new
    changes = {name: value for name, value in new.items() if name != DELETE_KEY}
    if new.get(DELETE_KEY):
        old = {}
    if isinstance(old, list | tuple):
        return _merge_items(old, changes, key)
    if not isinstance(old, Mapping):
        raise ConfigError(
            f'does not fit the config: {with_value(key, old)} has no keys',
            argument='options',
            value=_join(key, next(iter(changes), '')),
            advice=(f'Replace it with dict({DELETE_KEY}=True, ...)', ADVICE),
        )
    merged = dict(old)
    for name, value in changes.items():
        merged[name] = merge_option(old.get(name, {}), value, _join(key, name))
    return merged


def _merge_items(old: list | tuple, changes: Mapping[str, Any], key: str) -> list | tuple:
    items = list(old)
    for name, value in changes.items():
        if not str(name).isdecimal() or int(name) >= len(items):
            raise ConfigError(
                f'does not fit the config: {key} is a list of {len(items)} items, numbered from 0',
                argument='options',
                value=_join(key, name),
                advice=ADVICE,
            )
        items[int(name)] = merge_option(items[int(name)], value, f'{key}.{name}')
    return type(old)(items)


def _join(key: str, name: str) -> str:
    return f'{key}.{name}' if key else name
