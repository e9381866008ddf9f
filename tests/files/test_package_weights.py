import pytest

from cpose.errors import CheckpointError, MissingDependencyError
from cpose.files.weight_files import find_package_file, is_package_file

from ..user_errors import raises

METADATA = 'Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n'


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package of some files, as pip would."""

    def install(*files):
        info = tmp_path / 'some_weights-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(METADATA)
        (info / 'RECORD').write_text(''.join(f'{name},,\n' for name in files))
        for name in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b'')
        monkeypatch.syspath_prepend(str(tmp_path))
        return tmp_path

    return install


def test_the_only_file(install):
    folder = install('some_weights/__init__.py', 'some_weights/models/a.pth')
    assert find_package_file('package://some-weights') == folder / 'some_weights/models/a.pth'


@pytest.mark.parametrize('name', ['b.safetensors', 'models/b.safetensors'])
def test_one_of_several(install, name):
    folder = install('some_weights/models/a.pth', 'some_weights/models/b.safetensors')
    found = find_package_file(f'package://some-weights/{name}')
    assert found == folder / 'some_weights/models/b.safetensors'


@pytest.mark.parametrize('name', ['', '/c.pth', '/dels/a.pth', '/../../etc/passwd'])
def test_no_file_or_several(install, name):
    install('some_weights/models/a.pth', 'some_weights/models/b.pth')
    with raises(CheckpointError, 'some_weights/models/a.pth, some_weights/models/b'):
        find_package_file(f'package://some-weights{name}')


@pytest.mark.parametrize('name', ['no-such-package-of-weights', ''])
def test_a_package_that_is_not_installed(name):
    with raises(MissingDependencyError):
        find_package_file(f'package://{name}')


def test_what_is_a_package_file(tmp_path):
    assert is_package_file('package://some-weights')
    assert not is_package_file('package.pth')
    assert not is_package_file(tmp_path)
