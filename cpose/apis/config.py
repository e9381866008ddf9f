"""The one way into configs: find, inherit, override, merge presets."""

import ast
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

import cpose
from cpose.errors import ConfigError, nearest_names

PACKAGE_PREFIX = 'cpose::'
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
        raise ConfigError(f'There is no config {text!r}. {nearest_names(wanted, runnable)}')
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
    given = dict(options or {})
    own_presets = config.pop(PRESETS_KEY, None)
    presets = given.pop(PRESETS_KEY, own_presets)
    for preset in [presets] if isinstance(presets, str) else presets or ():
        config.merge_from_dict(_read(find_config(preset)).to_dict())
    if given:
        _override(config, given)
    return config


def _override(config: Config, options: Mapping[str, Any]) -> None:
    try:
        config.merge_from_dict(dict(options))
    except (KeyError, TypeError, IndexError) as error:
        reason = str(error.args[0]).rstrip('.')
        raise ConfigError(
            f'The overrides {", ".join(options)} do not fit the config: {reason}. '
            '`cpose print-config CONFIG` shows its keys.'
        ) from error


def _read(path: Path) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        try:
            file = _with_package_bases(path, Path(folder))
            config = Config.fromfile(str(file), import_custom_modules=False)
        except (SyntaxError, NameError, KeyError, TypeError, OSError, ValueError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f'Config {path} cannot be read: {error}') from error
    return Config(config.to_dict(), filename=str(path))


def _with_package_bases(path: Path, folder: Path) -> Path:
    """Return ``path``, or a copy in ``folder`` in which ``cpose::`` bases are plain paths."""
    text = path.read_text(encoding='utf-8')
    node = next((item for item in ast.parse(text).body if _is_base_line(item)), None)
    if not isinstance(node, ast.Assign):
        return path
    value = ast.literal_eval(node.value)
    names = [value] if isinstance(value, str) else list(value)
    bases = [_base_file(name, path) for name in names]
    plain = [_with_package_bases(base, folder) for base in bases]
    if plain == bases and not any(name.startswith(PACKAGE_PREFIX) for name in names):
        return path
    lines = text.splitlines()
    lines[node.lineno - 1 : node.end_lineno] = [f'_base_ = {[str(file) for file in plain]}']
    copy = folder / f'{path.stem}_{len(list(folder.iterdir()))}{path.suffix}'
    copy.write_text('\n'.join(lines), encoding='utf-8')
    return copy


def _is_base_line(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == '_base_' for target in node.targets
    )


def _base_file(name: str, path: Path) -> Path:
    if name.startswith(PACKAGE_PREFIX):
        return find_config(name)
    base = (path.parent / name).resolve()
    if not base.is_file():
        raise ConfigError(f'Config {path} inherits {name!r}, but {base} does not exist.')
    return base


def _add_project_to_path(path: Path) -> None:
    """Make the package of a project importable: ``projects/x/configs/y.py`` adds ``projects/x``."""
    for parent in path.parents:
        if parent.name == 'configs' and parent.resolve() != configs_root().resolve():
            project = str(parent.parent)
            if project not in sys.path:
                sys.path.insert(0, project)
            return
