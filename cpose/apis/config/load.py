"""The one way into configs: find, inherit, override, merge presets."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

import cpose
from cpose.apis.config.override import merge_option, nest_options, refuse_misspelt
from cpose.apis.config.reading import PACKAGE_PREFIX, read_config_file, text_list
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, nearest_names

PRESETS_KEY = 'presets'


def configs_root() -> Path:
    """Return the folder of the shipped configs: inside a wheel, or beside the package."""
    package = Path(cpose.__file__).parent
    inside = package / 'configs'
    return inside if inside.is_dir() else package.parent / 'configs'


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
        runnable = [key for key in shipped if not key.startswith('_base_')]
        raise ConfigError(
            'is neither a file nor a shipped config',
            argument='config',
            value=text,
            advice=nearest_names(wanted, runnable),
        )
    return matches[0].resolve()


def load_config(
    source: str | Path | Config | Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> Config:
    """Load a config with everything it inherits.

    ``_base_`` may name shipped configs as ``cpose::centerpose/dla34_bike.py``. The key ``presets``
    lists configs that are merged last, for example ``['_base_/compat/tao.py']``; in ``options`` it
    replaces the list of the config. What is returned does not have the key. The folder of the
    project that holds the config is put on the import path, so that ``custom_imports`` finds its
    package from any working directory.

    Args:
        source: See `find_config`; or a config, which is copied.
        options: Overrides by dotted key, as ``--cfg-options`` gives them; applied last.

    Raises:
        ConfigError: If the file is missing or cannot be read, or an override does not fit.
    """
    if isinstance(source, Config):
        config = Config(source.to_dict(), filename=source.filename)
    elif isinstance(source, Mapping):
        config = Config(dict(source))
    else:
        path = find_config(source)
        _add_project_to_path(path)
        config = _read(path)
    given = nest_options(options or {})
    refuse_misspelt(given, list(config))
    tree = config.to_dict()
    presets = tree.pop(PRESETS_KEY, None)
    if PRESETS_KEY in given:
        presets = merge_option(presets, given.pop(PRESETS_KEY), PRESETS_KEY)
    for preset in _preset_names(presets):
        tree = merge_option(tree, _read(find_config(preset)).to_dict())
    return Config(merge_option(tree, given), filename=config.filename)


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
    return read_config_file(path, find_config)


def _add_project_to_path(path: Path) -> None:
    """Make the package of a project importable: ``projects/x/configs/y.py`` adds ``projects/x``."""
    for parent in path.parents:
        if parent.name == 'configs' and parent.resolve() != configs_root().resolve():
            project = str(parent.parent)
            if project not in sys.path:
                sys.path.insert(0, project)
            return
