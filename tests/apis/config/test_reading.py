import errno
from pathlib import Path

import pytest
from mmengine.config import Config

from cpose.apis.config.load import find_config
from cpose.apis.config.reading import read_config_file
from cpose.errors import ConfigError, OutputError

from ...user_errors import raises

PACKAGE = "_base_ = 'cpose::_base_/schedules/140e.py'\n"


@pytest.fixture
def read(tmp_path):
    """Write files, read the first."""

    def run(**texts):
        for name, text in texts.items():
            (tmp_path / f'{name}.py').write_text(text)
        return read_config_file(tmp_path / f'{next(iter(texts))}.py', find_config)

    return run


@pytest.mark.parametrize('base', [PACKAGE, '', "_base_ = './between.py'\n"])
def test_placeholders_are_those_of_the_file(read, tmp_path, base):
    text = f"{base}name = '{{{{ fileBasenameNoExtension }}}}'\nfolder = '{{{{fileDirname}}}}'\n"
    config = read(mine=text, between=PACKAGE + "other = '{{ fileBasename }}'\n")
    assert config.name == 'mine'
    assert config.folder == str(tmp_path)
    assert config.get('other') in (None, 'between.py')
    assert config.filename == str(tmp_path / 'mine.py')


def test_what_stands_beside_the_bases_is_kept(read):
    bases = "_base_ = [  # Basis\n 'cpose::_base_/schedules/140e.py',\n]"
    text = f'"""Größe."""; {bases}; a = 1\nb = 2\n'
    config = read(mine=text)
    assert (config.a, config.b) == (1, 2)
    assert 'optim_wrapper' in config


@pytest.mark.parametrize(
    ('text', 'problem', 'file', 'line'),
    [
        ('a = 1\nb = a.x\n', 'AttributeError', 'mine', 2),
        ('assert False\n', 'AssertionError', 'mine', 1),
        ('a = (\n', 'SyntaxError', 'mine', 1),
        ('raise RuntimeError("why")\n', 'RuntimeError: why', 'mine', 1),
        (
            "_base_ = [\n'cpose::_base_/schedules/140e.py'\n]\n\na = 1 / 0\n",
            'ZeroDivisionError',
            'mine',
            5,
        ),
        ("_base_ = './other.py'\n", 'NameError', 'other', 3),
        ('_base_ = [5]\n', '[5]', 'mine', 1),
        ('_base_ = [f()]\n', '[f()]', 'mine', 1),
        ("_base_ = './mine.py'\n", 'mine.py', 'mine', None),
        ("_base_ = './loop.py'\n", 'loop.py', 'mine', None),
        ('with read_base():\n    from .other import *\n', 'Name', 'mine', 1),
    ],
)
def test_mistakes_are_named_with_their_line(read, tmp_path, text, problem, file, line):
    other = PACKAGE + '\na = unknown\n'
    with raises(ConfigError, problem, path=tmp_path / f'{file}.py') as caught:
        read(mine=text, other=other, loop="_base_ = './mine.py'\n")
    assert caught.value.place.line == line


@pytest.mark.parametrize('name', ['spec.yaml', 'model.pth', 'noending'])
def test_other_files_are_refused(tmp_path, name):
    file = Path(tmp_path / name)
    file.write_bytes(b'\x80a: 1')
    with raises(ConfigError, argument='config', path=file):
        read_config_file(file, find_config)


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-32'])
@pytest.mark.parametrize('base', [PACKAGE, '', "_base_ = './between.py'\n"])
def test_encodings(tmp_path, encoding, base):
    for name, text in {
        'mine': f"{base}name = 'Größe'\n",
        'between': f'{PACKAGE}other = 1\n',
    }.items():
        (tmp_path / f'{name}.py').write_text(text, encoding=encoding)
    config = read_config_file(tmp_path / 'mine.py', find_config)
    assert config.name == 'Größe'
    assert ('optim_wrapper' in config) == bool(base)


@pytest.mark.parametrize(
    'content', [b"\xef\xbb\xbfname = '{{ fileDirname }}'\n", 'Größe = 1'.encode('latin-1')]
)
def test_encodings_that_cannot_be_kept(tmp_path, content):
    path = tmp_path / 'mine.py'
    path.write_bytes(content)
    with raises(ConfigError, path=path):
        read_config_file(path, find_config)


def test_errors_in_copies_name_the_file(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text('a = 1\nb = 1 / 0\n', encoding='utf-16')
    with pytest.raises(ConfigError) as caught:
        read_config_file(path, find_config)
    assert (str(caught.value.place.path), caught.value.place.line) == (str(path), 2)


def test_a_full_temporary_folder_is_no_mistake_of_the_config(read, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(Config, '_substitute_predefined_vars', fail)
    with raises(OutputError, 'No space left'):
        read(mine='a = 1')
