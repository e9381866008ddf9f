"""Where the shipped configs are, and what a config that leaves out parts of the head takes."""

import runpy
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

HEAD_FILE = '_base_/models/centerpose_head.py'
HEAD_TYPE = 'CenterPoseHead'


def configs_root() -> Path:
    """Return the folder of the shipped configs: inside a wheel, or beside the package."""
    package = Path(__file__).parent
    inside = package / 'configs'
    return inside if inside.is_dir() else package.parent / 'configs'


def shipped_head() -> dict[str, Any]:
    """Return the config ``model.head`` that all shipped models inherit."""
    return deepcopy(_read_head())


@cache
def _read_head() -> dict[str, Any]:
    head: dict[str, Any] = runpy.run_path(str(configs_root() / HEAD_FILE))['model']['head']
    return head


def complete_head(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config whose head has all its parts; those left out are the shipped ones.

    Configs of the first release do not write the parts of the head out.

    Args:
        tree: The whole config as plain data; anything but a `CenterPoseHead` stays as it is.
    """
    model = tree.get('model')
    if not isinstance(model, Mapping) or not isinstance(model.get('head'), Mapping):
        return dict(tree)
    head = model['head']
    if bare_type(head) != HEAD_TYPE:
        return dict(tree)
    return {**tree, 'model': {**model, 'head': fill_up(shipped_head(), head)}}


def fill_up(shipped: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given part of a config over the shipped one; another type takes its place.

    Args:
        shipped: The shipped part.
        given: What a config says; a loss of another type keeps the shipped weight.
    """
    if bare_type(given) not in ('', bare_type(shipped)):
        kept = {key: shipped[key] for key in ('loss_weight',) if key in shipped}
        return {**kept, **given}
    filled = dict(shipped)
    for key, value in given.items():
        old = filled.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            filled[key] = fill_up(old, value)
        else:
            filled[key] = value
    return filled


def bare_type(part: Mapping[str, Any]) -> str:
    """Return the ``type`` of a part without its scope, empty if it has none."""
    return str(part.get('type') or '').rpartition('.')[2]
