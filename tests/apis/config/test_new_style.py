"""Configs that import: names of libraries, classes, and their bases."""

from pathlib import Path

import pytest

from cpose.apis.config.load import find_config, load_config
from cpose.apis.config.reading import read_config_file
from cpose.errors import ConfigError

from ...user_errors import raises

HEAD = 'from mmengine.config import read_base\n\nwith read_base():\n'


@pytest.fixture
def read(tmp_path):
    """Write files, read the first."""

    def run(**texts):
        for name, text in texts.items():
            (tmp_path / f'{name}.py').write_text(text)
        return read_config_file(tmp_path / f'{next(iter(texts))}.py', find_config).to_dict()

    return run


@pytest.mark.parametrize('base', ["_base_ = './other.py'\n", ''])
def test_imported_names_are_no_keys(read, base):
    text = f"{base}from pathlib import Path\nimport math as m\nfolder = Path('a') / 'b'\nx = m.pi\n"
    content = read(mine=text, other='from math import tau, e\ntwice = 2 * tau\ne = 3\n')
    assert content['folder'] == str(Path('a') / 'b')
    assert set(content) == {'folder', 'x', *(('twice', 'e') if base else ())}


def test_what_a_config_defines_for_itself_is_no_key(read):
    text = 'def double(x):\n    return 2 * x\n\nclass A:\n    pass\n\nf = lambda: 3\n'
    assert read(mine=f'{text}a = dict(b=double(f()))\n') == {'a': {'b': 6}}
    own = f'{HEAD}    from .other import *\nnames = dict(c=(lambda: 4)())\n'
    assert read(mine=own, other=f'{text}a = 1\n') == {'a': 1, 'names': {'c': 4}}


@pytest.mark.parametrize('value', ['lambda x: x', 'object()', 'range(3)', 'type("B", (), {})'])
def test_values_that_no_file_can_hold_are_named(read, value):
    with raises(ConfigError, key='train.steps.1'):
        read(mine=f'train = dict(steps=[1, {value}])\n')


def test_printed_and_loaded_again(read):
    text = "_base_ = 'cpose::centerpose/quickstart.py'\nfrom pathlib import Path\n"
    content = read(mine=text)
    assert content == load_config('quickstart').to_dict()


@pytest.mark.parametrize(
    'line',
    ['from cpose.configs.centerpose.dla34_cup import *', 'from .cup import *'],
    ids=['of the package', 'beside'],
)
def test_old_and_new_bases(read, line):
    text = f'{HEAD}    {line}\n\ntrain_cfg.update(max_epochs=3)\n'
    between = f'{HEAD}    from cpose.configs.centerpose.dla34_cup import *\n'
    expected = load_config('dla34_cup').to_dict()
    expected['train_cfg']['max_epochs'] = 3
    assert read(mine=text, cup=between) == expected


def test_single_names_and_classes(read):
    text = (
        'from cpose.models.backbones.fan import FAN\n'
        f'{HEAD}    from cpose.configs._base_.schedules.cosine import train_cfg as cfg\n\n'
        "backbone = dict(type=FAN, arch='small')\nown = dict(type='a.b.C')\n"
    )
    assert read(mine=text) == {
        'cfg': load_config('_base_/schedules/cosine').train_cfg.to_dict(),
        'backbone': {'type': 'FAN', 'arch': 'small'},
        'own': {'type': 'a.b.C'},
    }


@pytest.mark.parametrize(
    ('line', 'missing'),
    [
        ('from .nowhere import *', 'nowhere.py'),
        ('from nobody.configs.x import *', 'x.py'),
        ('from cpose.configs.centerpose.dla34_cpu import *', 'dla34_cup'),
        ('from .mine import *', 'mine.py'),
    ],
)
def test_missing_bases_are_named(read, line, missing):
    with raises(ConfigError) as caught:
        read(mine=f'{HEAD}    {line}\n')
    assert missing in str(caught.value)


def test_errors_name_the_line_of_the_user(read):
    text = f'{HEAD}    from .other import (\n        y,\n    )\n\nx = 1 / 0\n'
    with raises(ConfigError, 'ZeroDivisionError') as caught:
        read(mine=text, other='y = 1\n')
    assert caught.value.place.line == 8
