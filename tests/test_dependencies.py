"""What ``cpose`` imports is declared, and what is declared is used and explained."""

import ast
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import cpose

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PYPROJECT = ROOT / 'pyproject.toml'
PACKAGE = Path(cpose.__file__).parent
DISTRIBUTIONS = {
    'cv2': 'opencv-python',
    'google': 'protobuf',
    'huggingface_hub': 'huggingface-hub',
    'mmcv': 'mmcv-lite',
    'pydantic_core': 'pydantic',
    'tensorrt_rtx': 'tensorrt-rtx',
    'yaml': 'pyyaml',
}
"""Where the name to import is not the name to install; pydantic demands one pydantic-core."""
USED_BY_OTHERS = {
    'tensorboard': "type='TensorboardVisBackend'",
    'torchvision': 'from torchvision.ops import',
}
"""Text that shows the use of what other packages import for this one."""
TABLES = ('PACKAGES', 'MODULES')
"""Names of tables of modules that ``import_extra`` gets."""
PARTS_OF_EXTRAS = ('tao', 'annotation/server')
"""Folders that only the commands of one extra import."""
RUNTIME_EXTRAS = ('annotate', 'deploy', 'tao', 'tensorrt', 'tensorrt-rtx')


def requirements(*extras):
    project = tomllib.loads(PYPROJECT.read_text())['project']
    texts = list(project['dependencies'])
    for extra in extras:
        texts += project['optional-dependencies'][extra]
    return [Requirement(text) for text in texts]


def import_names(files):
    """Return the top names that files import, by statement, ``import_extra`` or table of names."""
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found.update(item.name for item in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == 'import_extra':
                if isinstance(node.args[0], ast.Constant):
                    found.add(node.args[0].value)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in TABLES:
                found.update(strings(node.value))
    return {name.partition('.')[0] for name in found} - sys.stdlib_module_names - {'cpose'}


def strings(node):
    """Return the values of a dict or tuple of texts that name modules of others."""
    values = node.values if isinstance(node, ast.Dict) else getattr(node, 'elts', [])
    texts = {item.value for item in values if isinstance(item, ast.Constant)}
    return {text for text in texts if not text.startswith('cpose')}


def imported(files):
    return {DISTRIBUTIONS.get(name, name) for name in import_names(files)}


@pytest.mark.slow
def test_every_import_is_declared():
    declared = {item.name for item in requirements(*RUNTIME_EXTRAS)}
    assert imported(PACKAGE.rglob('*.py')) - declared == set()


def test_core_imports_need_no_extra():
    """Statements at the head of a module find what they import without extras, but in two parts."""
    declared = {item.name for item in requirements()}
    for file in PACKAGE.rglob('*.py'):
        if any(file.is_relative_to(PACKAGE / part) for part in PARTS_OF_EXTRAS):
            continue
        for node in ast.parse(file.read_text()).body:
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            tops = {name.partition('.')[0] for name in names}
            used = {DISTRIBUTIONS.get(name, name) for name in tops - sys.stdlib_module_names}
            assert used - {'cpose'} <= declared, file


@pytest.mark.slow
def test_everything_declared_is_used():
    used = imported(PACKAGE.rglob('*.py'))
    sources = [*PACKAGE.rglob('*.py'), *(ROOT / 'configs').rglob('*.py')]
    text = '\n'.join(file.read_text() for file in sources)
    used |= {name for name, trace in USED_BY_OTHERS.items() if trace in text}
    assert {item.name for item in requirements(*RUNTIME_EXTRAS)} - used == set()


def test_everything_declared_is_explained():
    text = (ROOT / 'docs/dependencies.md').read_text()
    rows = {line.split('|')[1].strip() for line in text.splitlines() if line.startswith('| ')}
    names = {item.name for item in requirements(*RUNTIME_EXTRAS, 'dev')}
    assert names - rows == set()


@pytest.fixture(scope='module')
def tool():
    spec = spec_from_file_location('check_lower_bounds', ROOT / 'tools/check_lower_bounds.py')
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(('version', 'runtime'), [('3.10', '1.20'), ('3.11', '1.27')])
def test_lower_bounds_of_a_python(tool, version, runtime):
    pins = tool.lower_bounds(PYPROJECT, ('deploy', 'tao'), version)
    assert f'onnxruntime=={runtime}' in pins
    names = [pin.partition('==')[0] for pin in pins]
    assert len(set(names)) == len(names)
    assert {'torch', 'onnx', 'optuna'} <= set(names)


def test_a_dependency_without_lower_bound_is_refused(tool, tmp_path):
    project = tmp_path / 'pyproject.toml'
    project.write_text('[project]\ndependencies = ["torch<3"]\n')
    with pytest.raises(ValueError, match='torch<3 has 0 lower bounds'):
        tool.lower_bounds(project, (), '3.11')
