"""Configs that inherit by ``with read_base():``, and names that configs import."""

import ast
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path, PurePath
from types import FunctionType, ModuleType
from typing import Any

from mmengine.config import Config, ConfigDict

from cpose.error_places import ConfigPlace, FilePlace
from cpose.errors import ConfigError
from cpose.registry import all_registries

READ_BASE = 'read_base'
PACKAGE_CONFIGS = 'cpose.configs.'
ENDING = '.py'
STORABLE = (str, int, float, complex, bytes, set, frozenset, type(None))
CODE = (type, FunctionType, ModuleType)


def base_imports(module: ast.Module) -> list[ast.ImportFrom]:
    """Return the imports inside ``with read_base():``."""
    blocks = [node for node in module.body if isinstance(node, ast.With) and _reads_base(node)]
    return [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]


def _reads_base(node: ast.With) -> bool:
    call = node.items[0].context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func) == READ_BASE


def imported_base(node: ast.ImportFrom, path: Path, find_shipped: Callable[[str], Path]) -> Path:
    """Return the file that an import inherits from.

    Args:
        node: One of `base_imports`.
        path: The config that has it.
        find_shipped: Gives the file of a shipped config by its name with ``cpose::``.

    Raises:
        ConfigError: If there is no such file.
    """
    module = node.module or ''
    if not node.level and module.startswith(PACKAGE_CONFIGS):
        inside = module.removeprefix(PACKAGE_CONFIGS).replace('.', '/')
        return find_shipped(f'cpose::{inside}{ENDING}')
    if node.level:
        folder = path.parents[node.level - 1]
    else:
        package, _, module = module.partition('.')
        folder = _package_folder(package)
    base = (folder / module.replace('.', '/')).with_suffix(ENDING)
    if not base.is_file():
        raise ConfigError(
            f'does not exist: there is no {base}',
            value=ast.unparse(node),
            place=FilePlace(path, '_base_', node.lineno),
            advice='Correct the path, which counts from the folder of the config',
        )
    return base


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else Path(package)


def import_line(node: ast.ImportFrom, base: Path) -> str:
    """Return a statement that sets the names of an import, as many lines long.

    Args:
        node: One of `base_imports`.
        base: The file that MMEngine can read in the place of the base.
    """
    names = {alias.name: alias.asname or alias.name for alias in node.names}
    call = f'{base_names.__name__}({str(base)!r}, {names})'
    more_lines = (node.end_lineno or node.lineno) - node.lineno
    return f'import {__name__} as __new; globals().update(__new.{call})' + '\n' * more_lines


def base_names(file: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what a config imports from a base.

    Args:
        file: The base.
        names: Name here by name there; ``*`` is all.
    """
    content = Config.fromfile(file, import_custom_modules=False, lazy_import=False)
    found: ConfigDict = content._cfg_dict
    return dict(found) if '*' in names else {new: found[old] for old, new in names.items()}


def imported_names(module: ast.Module) -> set[str]:
    """Return the names that a config imports at its top and sets nowhere: they are no keys."""
    imported, assigned = set(), set()
    for node in module.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {(alias.asname or alias.name).partition('.')[0] for alias in node.names}
        targets = node.targets if isinstance(node, ast.Assign) else []
        assigned |= {target.id for target in targets if isinstance(target, ast.Name)}
    return imported - assigned


def plain_values(node: Any, key: str = '') -> Any:
    """Return nested dicts and lists with texts for paths, and names for imported classes.

    A class or function is named as it is registered, or by its module where it is not. At the top
    they are helpers of the file, no keys.

    Args:
        node: A config, or what is under a key.
        key: That key, dotted.

    Raises:
        ConfigError: If a value is a class or function that only this file knows, or another object
            that a stored config cannot hold.
    """
    if isinstance(node, Mapping):
        kept = node if key else {n: v for n, v in node.items() if not isinstance(v, CODE)}
        return {name: plain_values(value, _below(key, name)) for name, value in kept.items()}
    if isinstance(node, list | tuple):
        items = [plain_values(value, _below(key, place)) for place, value in enumerate(node)]
        return type(node)(items)
    if isinstance(node, PurePath):
        return str(node)
    found = _name_of(node) if isinstance(node, type | FunctionType) else node
    if not isinstance(found, STORABLE):
        raise ConfigError(
            'cannot be stored with the config',
            value=found,
            place=ConfigPlace((key,)),
            advice='Give numbers, texts, lists and dicts, and the name of what stands in a module '
            "as text: 'module.name'",
        )
    return found


def _below(key: str, name: Any) -> str:
    return f'{key}.{name}' if key else str(name)


def _name_of(found: type | FunctionType) -> Any:
    """Return a name from which MMEngine finds a class or function again, if there is one."""
    name = found.__name__
    if any(registry.get(name) is found for registry in all_registries()):
        return name
    module = sys.modules.get(getattr(found, '__module__', ''))
    return f'{found.__module__}.{name}' if getattr(module, name, None) is found else found
