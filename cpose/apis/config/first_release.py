"""Bring configs of version 0.1 up to what they have to say today."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

FILE = '_base_/compat/first_release.py'
"""Config with what constructors once filled in, under `PARTS` and `TRAINING_PARTS`."""
PARTS, TRAINING_PARTS = 'parts', 'training_parts'
OWN_SCOPES = ('', 'cpose')
TRAINING = 'train_dataloader'

Parts = Mapping[str, Mapping[str, Any]]
"""Settings of a part by the name of its type."""


def complete_config(tree: Mapping[str, Any], former: Mapping[str, Parts]) -> dict[str, Any]:
    """Return a config in which every part says what constructors once filled in.

    Args:
        tree: The whole config as plain dicts.
        former: Content of `FILE`.
    """
    whole: dict[str, Any] = fill_up(tree, former[PARTS])
    if isinstance(whole.get(TRAINING), Mapping):
        whole[TRAINING] = fill_up(whole[TRAINING], former[TRAINING_PARTS])
    return whole


def fill_up(node: Any, parts: Parts) -> Any:
    """Return a copy of nested dicts and lists whose typed parts lack no setting of ``parts``."""
    if isinstance(node, Mapping):
        filled = dict(node)
        for key, value in parts.get(_type_name(node), {}).items():
            filled[key] = _filled_value(node[key], value) if key in node else deepcopy(value)
        return {key: fill_up(value, parts) for key, value in filled.items()}
    if isinstance(node, list | tuple):
        return type(node)(fill_up(item, parts) for item in node)
    return node


def _type_name(node: Mapping[str, Any]) -> str:
    kind = node.get('type')
    scope, _, name = str(getattr(kind, '__name__', kind)).rpartition('.')
    return name if scope in OWN_SCOPES else ''


def _filled_value(given: Any, former: Any) -> Any:
    """Return a dict filled up from the former one, unless it is a part of another type."""
    if not (isinstance(given, Mapping) and isinstance(former, Mapping)):
        return given
    is_other = given.get('type', former.get('type')) != former.get('type')
    return given if is_other else {**deepcopy(dict(former)), **given}
