"""The one way into configs: find, inherit, override, merge presets."""

import logging
import sys
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from cpose.apis.config.override import merge_option, nest_options, refuse_misspelt
from cpose.apis.config.reading import BASE_KEY, PACKAGE_PREFIX, read_config_file, text_list
from cpose.checkpoints.stored_config import LOCAL_KEYS, OUTPUT_KEYS
from cpose.config_renames import rename_config
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, nearest_names
from cpose.files.outputs import note_input
from cpose.shipped_configs import complete_head, configs_root

PRESETS_KEY = 'presets'

FIRST_RELEASE = '_base_/compat/first_release.py'
"""Config with what constructors once filled in, under `PARTS` and `TRAINING_PARTS`."""
PARTS, TRAINING_PARTS = 'parts', 'training_parts'
OWN_SCOPES = ('', 'cpose')
PATH_ENDINGS = ('root', 'path', 'paths', 'file', 'files', 'dir', 'folder', 'folders', 'photos')
"""How keys end that name what is read; `OUTPUT_KEYS` name what is written."""
TRAINING = 'train_dataloader'

Parts = Mapping[str, Mapping[str, Any]]
"""Settings of a part by the name of its type."""


def complete_config(tree: Mapping[str, Any], former: Mapping[str, Parts]) -> dict[str, Any]:
    """Return a config in which every part says what constructors once filled in.

    Args:
        tree: The whole config as plain dicts.
        former: Content of `FIRST_RELEASE`.
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


def find_config(name: str | Path) -> Path:
    """Return the file of a config.

    Args:
        name: A path, ``cpose::centerpose/dla34_bike.py``, or a shipped config's name with or
            without folder and ending (``dla34_bike``).

    Raises:
        ConfigError: If there is no such file; the message names the nearest.
    """
    text = str(name)
    if not text.startswith(PACKAGE_PREFIX) and Path(text).is_file():
        return Path(text).resolve()
    wanted = text.removeprefix(PACKAGE_PREFIX).removesuffix('.py')
    shipped = {
        str(file.relative_to(configs_root()).with_suffix('')): file
        for file in sorted(configs_root().rglob('*.py'))
    }
    matches = [
        file for key, file in shipped.items() if wanted in (key, key.removeprefix('centerpose/'))
    ]
    if not matches:
        runnable = [Path(key).name for key in shipped if not key.startswith('_base_')]
        raise ConfigError(
            'is neither a file nor a shipped config',
            argument='config',
            value=text,
            advice=nearest_names(Path(wanted).name, runnable),
        )
    return matches[0].resolve()


def load_config(
    source: str | Path | Config | Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> Config:
    """Load a config with everything it inherits.

    ``_base_`` may name shipped configs as ``cpose::centerpose/dla34_bike.py``. The key ``presets``
    lists configs that are merged last, for example ``['_base_/compat/tao.py']``; in ``options`` it
    replaces the list of the config. What is returned does not have the key. Names of the first
    release are renamed, see `cpose.config_renames`, and parts of the head that a config leaves out
    are those of ``_base_/models/centerpose_head.py``. Settings of other parts that a config of the
    first release left to constructors are written out, see `complete_config`. The folder of the
    project that holds the config is put on the import path, so that ``custom_imports`` finds its
    package from any working directory.

    Args:
        source: See `find_config`; or a config, which is copied; or an overlay as data, whose
            ``_base_`` is inherited as that of a file is.
        options: Overrides by dotted key, as ``--cfg-options`` gives them; applied last.

    Raises:
        ConfigError: If the file is missing or cannot be read, or an override does not fit.
    """
    if isinstance(source, Config):
        config = Config(source.to_dict(), source.text, source.filename)
    elif isinstance(source, Mapping):
        config = Config(_inherit(source))
    else:
        path = find_config(source)
        _add_project_to_path(path)
        config = _read(path)
    given = nest_options(options or {})
    refuse_misspelt(given, list(config))
    tree = _rename(config.to_dict())
    presets = tree.pop(PRESETS_KEY, None)
    if PRESETS_KEY in given:
        presets = merge_option(presets, given.pop(PRESETS_KEY), PRESETS_KEY)
    for preset in _preset_names(presets):
        tree = _rename(merge_option(tree, _read(find_config(preset)).to_dict()))
    tree = _rename(merge_option(complete_head(tree), given))
    whole = complete_config(complete_head(tree), _first_release())
    _note_paths(whole)
    return Config(whole, config.text, config.filename)


def _note_paths(node: Any, key: str = '') -> None:
    """Note the files and folders that a config names to be read, see `note_input`."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name not in (*OUTPUT_KEYS, *LOCAL_KEYS):
                _note_paths(value, str(name))
    elif isinstance(node, list | tuple):
        for item in node:
            _note_paths(item, key)
    elif key.endswith(PATH_ENDINGS) and isinstance(node, str):
        note_input(node.partition('{')[0])  # braces stand for the category


def _rename(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with the names of today, and log what it calls otherwise."""
    renamed, found = rename_config(tree)
    for old, new in found.items():
        print_log(f'In configs {old} is now {new}.', logger='current', level=logging.WARNING)
    return renamed


def _inherit(overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return an overlay merged into the configs that its ``_base_`` names."""
    names = text_list(overlay.get(BASE_KEY, [])) or []
    if not names:
        return dict(overlay)
    tree: dict[str, Any] = {}
    for name in names:
        base = _read(find_config(name)).to_dict()
        twice = sorted(tree.keys() & base.keys())
        if twice:
            raise ConfigError(
                f'share {", ".join(twice)}',
                argument=BASE_KEY,
                value=list(names),
                advice='Let each key stand in one of them only',
            )
        tree.update(base)
    own = {key: value for key, value in overlay.items() if key != BASE_KEY}
    return dict(merge_option(tree, own))


def _preset_names(value: Any) -> list[str]:
    names = [] if value is None else text_list(value)
    if names is None:
        raise ConfigError(
            'is no list of configs',
            argument=PRESETS_KEY,
            value=value,
            place=ConfigPlace((PRESETS_KEY,)),
            advice=f"Give names, for example {PRESETS_KEY}=['_base_/compat/tao.py'].",
        )
    return names


def _read(path: Path) -> Config:
    note_input(path)
    return read_config_file(path, find_config)


@cache
def _first_release() -> dict[str, Any]:
    former: dict[str, Any] = _read(find_config(FIRST_RELEASE)).to_dict()
    return former


def _add_project_to_path(path: Path) -> None:
    """Make the package of a project importable: ``projects/x/configs/y.py`` adds ``projects/x``."""
    for parent in path.parents:
        if parent.name == 'configs' and parent.resolve() != configs_root().resolve():
            project = str(parent.parent)
            if project not in sys.path:
                sys.path.insert(0, project)
            return
