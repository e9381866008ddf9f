"""The gate for names of code in data of others: only registered names pass.

Registries of MMEngine take any dotted name and import it, so what a file says as ``type`` would be
called. What passes here was registered by packages that are imported already, or by this project,
MMEngine and MMCV. Configs in Python are code themselves and need no gate.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from cpose.registry import all_registries

TRUSTED_SCOPES = ('cpose', 'mmengine', 'mmcv')
"""Packages whose registered classes anybody may name."""
SCOPE_MODULES = {
    'mmcv': ('mmcv.transforms',),
    'mmengine': tuple(
        f'mmengine.{part}'
        for part in ('dataset', 'evaluator', 'hooks', 'model', 'optim', 'runner', 'visualization')
    ),
}
"""What has to be imported so that a package registers its classes."""
TYPE_KEYS = ('type', 'constructor', 'collate_fn', 'worker_init_fn')
"""Keys whose text is looked up in a registry; those that end in ``_type`` are too."""
SCOPE_KEYS = ('_scope_', 'default_scope', 'scope')
"""Keys whose text is imported as a package with registries."""


def find_foreign(node: Any, place: str = '') -> Iterator[tuple[str, str]]:
    """Yield the names in nested dicts and lists that do not pass, each with its place.

    Args:
        node: The data, from JSON.
        place: Where the node is.
    """
    if isinstance(node, Mapping):
        for key, value in node.items():
            inner = f'{place}.{key}' if place else str(key)
            is_type = key in TYPE_KEYS or str(key).endswith('_type')
            if isinstance(value, str):
                is_refused = key in SCOPE_KEYS and value not in TRUSTED_SCOPES
                if is_refused or (is_type and not passes(value)):
                    yield inner, value
            else:
                yield from find_foreign(value, inner)
    elif isinstance(node, list | tuple):
        for number, value in enumerate(node):
            yield from find_foreign(value, f'{place}[{number}]')


def passes(name: str) -> bool:
    """Whether looking a name up can only find a registered class, or nothing.

    A name without a scope is either registered or the name of a module. One with a scope may be any
    attribute of the package, and MMEngine's has functions that remove folders: there it has to be
    registered. The package `cpose` itself has no attributes.

    Args:
        name: With or without the scope of a package.
    """
    scope, _, bare = name.rpartition('.')
    if scope == 'cpose':
        return bare.isidentifier()
    for module in SCOPE_MODULES.get(scope, ()):
        import_module(module)
    if scope not in ('', *SCOPE_MODULES):
        return False
    return is_registered(bare) or not (scope or is_module(bare))


def is_registered(name: str) -> bool:
    """Whether a registry has a name, after the imports of the moment."""
    own = all_registries()
    children = (child for registry in own for child in registry.children.values())
    return any(name in registry.module_dict for registry in (*own, *children))


def is_module(name: str) -> bool:
    """Whether a name would be imported, by which code runs too."""
    try:
        return not name.isidentifier() or find_spec(name) is not None
    except (ImportError, ValueError):
        return True
