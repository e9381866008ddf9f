"""The house rules: layers, no cycles, small folders, registries that know their modules."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import cpose
from cpose import registry as registries

from .conftest import listed_seconds

PACKAGE = Path(cpose.__file__).parent
SOURCES = sorted(PACKAGE.rglob('*.py'))

LAYERS = {
    'error_places': 0, 'errors': 1, 'building': 2, 'optional_packages': 2,
    'config_renames': 2, 'registry': 3, 'shipped_configs': 3,
    'part_configs': 4, 'files': 4, 'type_gate': 4,
    'structures': 5,
    'geometry': 6,
    'codecs': 7,
    'datasets': 8, 'models': 8, 'evaluation': 8, 'visualization': 8,
    'tracking': 8, 'metric_scale': 8,
    'checkpoints': 9,
    'engine': 10, 'deploy': 10,
    'apis': 11,
    'annotation': 12, 'tao': 12,
    'cli': 13,
    'ros': 14,
}  # fmt: skip
MOST_MODULES = 13
"""A folder with more of them wants a sub-package, but for the one of the commands."""


def module_name(file):
    parts = file.relative_to(PACKAGE.parent).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


@cache
def tree_of(file):
    return ast.parse(file.read_text())


@cache
def imports_of(file):
    """Return the ``cpose`` modules that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith('cpose'):
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(item.name for item in node.names if item.name.startswith('cpose'))
    return found


def part_of(module):
    return module.split('.')[1] if '.' in module else ''


@pytest.mark.slow
def test_imports_point_down():
    wrong = []
    for file in SOURCES:
        own = part_of(module_name(file))
        for module in imports_of(file):
            other = part_of(module)
            if own and other and own != other and LAYERS[other] >= LAYERS[own]:
                wrong.append(f'{module_name(file)} may not import {module}')
    assert wrong == []


def test_no_import_cycles():
    graph = {module_name(file): imports_of(file) for file in SOURCES}
    done, path = set(), []

    def visit(module):
        assert module not in path, f'import cycle: {" -> ".join([*path, module])}'
        if module in done or module not in graph:
            return
        path.append(module)
        for other in sorted(graph[module]):
            visit(other)
        path.pop()
        done.add(module)

    for module in graph:
        visit(module)


def registered_classes(file):
    for node in tree_of(file).body:
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                text = ast.unparse(decorator)
                match = re.match(r"([A-Z_]+)\.register_module\((?:name='(\w+)')?", text)
                if match:
                    yield match[1], match[2] or node.name


@cache
def registrations():
    """Return registry and name of every registered class, by module."""
    found = {module_name(file): list(registered_classes(file)) for file in SOURCES}
    return {module: names for module, names in found.items() if names}


def test_folders_are_small():
    folders = {file.parent for file in SOURCES}
    for folder in folders - {PACKAGE / 'cli' / 'commands'}:
        modules = [file for file in folder.glob('*.py') if file.name != '__init__.py']
        assert len(modules) <= MOST_MODULES, f'{folder} has {len(modules)} modules'


def test_registered_names_are_unique():
    names = [name for found in registrations().values() for _, name in found]
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_locations_are_the_defining_modules():
    expected = {}
    for module, found in registrations().items():
        expected.setdefault(found[0][0], set()).add(module)
    for name, modules in expected.items():
        registry = getattr(registries, name)
        assert set(registry._locations) == modules, name
        for module in modules:
            for _, class_name in registrations()[module]:
                assert registry.get(class_name).__module__ in modules


def test_importing_the_package_is_cheap():
    code = 'import sys, cpose; print(sorted({m.split(".")[0] for m in sys.modules}))'
    loaded = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    ).stdout
    assert "'torch'" not in loaded
    assert "'timm'" not in loaded


def test_the_longest_files_of_tests_are_there():
    root = Path(__file__).parents[1]
    paths = listed_seconds()
    assert len(paths) > 5
    assert [path for path in paths if not (root / path).is_file()] == []
