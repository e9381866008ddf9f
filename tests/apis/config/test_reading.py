from pathlib import Path

import pytest

from cpose.apis.config.load import find_config
from cpose.apis.config.reading import read_config_file
from cpose.errors import ConfigError

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
    ('text', 'message'),
    [
        ('a = 1\nb = a.x\n', r"mine\.py cannot be read: line 2: AttributeError: 'int'.*'x'"),
        ('assert False\n', r'line 1: AssertionError$'),
        ('a = (\n', r'line 1: SyntaxError'),
        ('raise RuntimeError("why")\n', 'line 1: RuntimeError: why'),
        (
            "_base_ = [\n'cpose::_base_/schedules/140e.py'\n]\n\na = 1 / 0\n",
            r'mine\.py cannot be read: line 5: ZeroDivisionError',
        ),
        ("_base_ = './other.py'\n", r'other\.py cannot be read: line 3: NameError'),
        ('_base_ = [5]\n', r'line 1: _base_ = \[5\]\. Give the path'),
        ('_base_ = [f()]\n', r'line 1: _base_ = \[f\(\)\]\. Give the path'),
        ("_base_ = './mine.py'\n", r'inherits itself: .*mine\.py inherits .*mine\.py\.'),
        ("_base_ = './loop.py'\n", r'mine\.py inherits .*loop\.py inherits .*mine\.py\.'),
        (
            'with read_base():\n    from .other import *\n',
            r'mine\.py cannot be read: line 1: Name',
        ),
    ],
)
def test_mistakes_are_named_with_their_line(read, text, message):
    other = PACKAGE + '\na = unknown\n'
    with pytest.raises(ConfigError, match=message):
        read(mine=text, other=other, loop="_base_ = './mine.py'\n")


@pytest.mark.parametrize('name', ['spec.yaml', 'model.pth', 'noending'])
def test_other_files_are_refused(tmp_path, name):
    file = Path(tmp_path / name)
    file.write_bytes(b'\x80a: 1')
    with pytest.raises(ConfigError, match=rf'{name} cannot be read: .* end in \.py'):
        read_config_file(file, find_config)
