"""A config as text gives back the values it was made of, and does nothing else."""

import math
import os

import pytest
from mmengine.config import Config

from cpose.apis.config.load import load_config
from cpose.engine.written_config import WrittenConfig
from cpose.files.config_text import config_text, docstring

TREES = {
    'plain': {'b': 1, 'a': [1, 2.5, None, True], 'c': {'type': 'A', 'sizes': (1,), 'none': {}}},
    'empty': {'a': (), 'b': [], 'c': {}},
    'nested': {'a': [[{'type': 'A' * 50, 'b': [(1, 2), {'c': 'd' * 50}]}]]},
    'keys that are no names': {'a': {'x.y': 1, 'class': 2, '3': 3, 4: 5, "it's": {'b c': 6}}},
    'texts': {'a': ['\'"\n\\', '"""', "'''", '# no', 'ü€\udc80', '{', '{{', '}}']},
    'templates': {'a': '{{$SECRET:x}}', 'b': ['{{ fileBasename }}', '{{{$SECRET:x}}}']},
    'bases': {'a': '{{_base_.work_dir}}', 'b': {'{{_base_.a}}': '{{"$SECRET:x"}}'}},
    'code in a key': {'a': {"x': open('code', 'w'), 'y": 1, 'z=open("code", "w"),b': 2}},
    'not finite': {'a': [math.inf, -math.inf], 'b': {'c': math.inf}},
}


def read_back(folder, text):
    file = folder / 'written.py'
    file.write_text(text, encoding='utf-8', errors='surrogateescape')
    config = load_config(file)
    return config.to_dict()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SECRET', 'geheim')
    return tmp_path


@pytest.mark.parametrize('name', TREES)
def test_the_same_values_come_back(place, name, caplog):
    tree = TREES[name]
    text = config_text(tree)
    assert read_back(place, text) == tree
    assert not os.path.exists('code')
    assert 'geheim' not in caplog.text


def test_not_a_number(place):
    assert math.isnan(read_back(place, config_text({'a': math.nan}))['a'])


@pytest.mark.parametrize(
    'key', ['a=1\nopen("code", "w")#', "x': open('code', 'w'), 'y", 'class', '3', '', 'a b']
)
def test_what_no_file_can_set_is_left_out(place, key):
    assert read_back(place, config_text({key: 1, 'b': 2})) == {'b': 2}
    assert not os.path.exists('code')


@pytest.mark.parametrize('title', ['a"""b', 'end"', 'end\\', '"""\nopen("code", "w")\n"""', "é'"])
def test_a_title_stays_a_title(place, title):
    assert read_back(place, f'{docstring(title)}\n{config_text({"a": 1})}') == {'a': 1}
    assert not os.path.exists('code')
    assert read_back(place, f'{docstring("{{$SECRET:x}}")}\na = 1\n') == {'a': 1}


def test_a_whole_config_inherits_nothing(place):
    tree = {'_base_': './other.py', 'a': {"x': open('code', 'w'), 'y": '{{$SECRET:x}}'}}
    text = WrittenConfig.of(Config(tree)).pretty_text
    assert read_back(place, text) == {'a': tree['a']}
    WrittenConfig.of(Config(tree)).dump('dumped.py')
    assert (place / 'dumped.py').read_text() == text
