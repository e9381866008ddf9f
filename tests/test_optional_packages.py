from importlib import import_module

import pytest

from cpose import optional_packages
from cpose.errors import MissingDependencyError
from cpose.optional_packages import import_extra, missing_package


def test_import_of_an_extra(monkeypatch, tmp_path):
    assert import_extra('json', 'deploy').loads('1') == 1
    with pytest.raises(MissingDependencyError) as missing:
        import_extra('no_such_package.part', 'deploy')
    assert 'no_such_package' in missing.value.problem
    assert "'cpose[deploy]'" in missing.value.advice[0]
    (tmp_path / 'broken_package.py').write_text('import no_such_package')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match='no_such_package') as caught:
        import_extra('broken_package', 'deploy')
    assert not isinstance(caught.value, MissingDependencyError)


def broken_import(module):
    try:
        import_module(module)
    except ImportError as error:
        return error
    raise AssertionError(f'{module} is installed')


def test_packages_that_are_not_installed_are_named(monkeypatch):
    monkeypatch.setattr(
        optional_packages, 'requires', lambda _: ['nowhere-at-all>=1.0; extra == "deploy"']
    )
    found = missing_package(broken_import('nowhere_at_all.part'))
    assert 'nowhere_at_all' in found.problem
    assert 'cpose[deploy]' in found.advice[0]
    found = missing_package(broken_import('somewhere_else'))
    assert found.advice[0].endswith('pip install somewhere_else')


@pytest.mark.parametrize(
    ('module', 'command'),
    [
        ('google', "'cpose[deploy]'"),
        ('cv2', 'pip install opencv-python'),
        ('yaml', 'pip install pyyaml'),
        ('PIL', 'pip install pillow'),
    ],
)
def test_modules_with_other_names_than_their_packages(monkeypatch, module, command):
    monkeypatch.setattr(optional_packages, 'find_spec', lambda _: None)
    found = missing_package(ModuleNotFoundError(name=f'{module}.part'))
    assert found.advice[0].endswith(command)
    assert module not in found.problem.split()


def test_packages_that_another_library_reports():
    def import_backend():
        try:
            import_module('nowhere_at_all')
        except ImportError:
            raise ImportError('please install it')  # noqa: B904  as MMEngine's backends do

    with pytest.raises(ImportError) as caught:
        import_backend()
    assert isinstance(missing_package(caught.value), MissingDependencyError)


@pytest.mark.parametrize('module', ['cpose.nowhere', 'numpy.nowhere'])
def test_modules_of_installed_packages_are_no_missing_packages(module):
    assert missing_package(broken_import(module)) is None
