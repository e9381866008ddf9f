from pathlib import Path

import pytest

from cpose.errors import ConfigError
from cpose.tao.spec.yaml_reading import parse_value, read_spec_text

from ...user_errors import raises
from ..specs import make_spec


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('6e-05', 6e-5),
        ('6.0e-05', 6e-5),
        ('1E3', 1000.0),
        ('-2e4', -2e4),
        ('.5', 0.5),
        ('10', 10),
        ('1.5', 1.5),
        ("'6e-05'", '6e-05'),
        ('e5', 'e5'),
        ('1.2.3', '1.2.3'),
        ('12e', '12e'),
        ('True', True),
        ('false', False),
        ('null', None),
        ('', ''),
        ('[3, 4e1]', [3, 40.0]),
        ('fp32', 'fp32'),
        ('2026-02-30', '2026-02-30'),
        ('/a/b.pth', '/a/b.pth'),
    ],
)
def test_values(text, value):
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_lines(tmp_path):
    path = tmp_path / 's.yaml'
    path.write_text('# comment\ntrain:\n  optim:\n    lr: 6e-05\n  gpu_ids:\n  - 0\n  - 1\n')
    text = read_spec_text(path)
    assert text.values == {'train': {'optim': {'lr': 6e-5}, 'gpu_ids': [0, 1]}}
    assert text.lines['train.optim.lr'] == 4
    assert text.lines['train.gpu_ids.1'] == 7


def test_empty_file_is_an_empty_spec(tmp_path):
    path = tmp_path / 's.yaml'
    path.write_text('')
    assert read_spec_text(path).values == {}


@pytest.mark.parametrize(
    ('content', 'line', 'problem'),
    [
        ('train: [1', 1, 'column'),
        ('train:\n\tx: 1', 2, 'YAML'),
        ('- 1\n', None, 'list'),
        (b'\xff\xfe\x00', None, 'no text'),
        ('a: !!python/object/apply:os.system [ls]', 1, 'YAML'),
        ('a: 1\n---\nb: 2\n', 2, 'YAML'),
        ('a: 1\nb: x\x00y\n', 2, 'unacceptable character'),
        ('a: ' + '9' * 5000, None, 'Exceeds the limit'),
        ('a: &x\n  b: *x\n', None, 'alias'),
        ('a: ' + '[' * 600, None, 'deeply'),
        ('x: 1\nencryption_key: *geheim', 2, 'encryption_key'),
        ('encryption_key: !geheim x', 1, 'encryption_key'),
    ],
)
def test_bad_files(tmp_path, content, line, problem):
    path = tmp_path / 's.yaml'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with raises(ConfigError, problem, path=path) as caught:
        read_spec_text(path)
    assert caught.value.place.line == line
    assert 'geheim' not in str(caught.value)


def test_key_given_twice(tmp_path):
    path = tmp_path / 's.yaml'
    path.write_text('train:\n  seed: 1\n  seed: 2\n')
    with raises(ConfigError, 'line 2', path=path, field='train.seed') as caught:
        read_spec_text(path)
    assert caught.value.place.line == 3


def test_missing_file(tmp_path):
    with raises(ConfigError, path=tmp_path / 'none.yaml'):
        read_spec_text(tmp_path / 'none.yaml')


@pytest.mark.parametrize(
    ('content', 'values'),
    [
        (
            '{"train.num_epochs": 2, "train": {"optim.lr": 1}}',
            {'num_epochs': 2, 'optim': {'lr': 1}},
        ),
        ('{"train": null, "train.seed": 3}', {'seed': 3}),
        ('{"train.seed": 3, "train": {}}', {'seed': 3}),
        ('{"train.randomseed": 3}', {'seed': 3}),
        ('train:\n  randomseed: 3', {'seed': 3}),
    ],
)
def test_dotted_keys_and_older_names(tmp_path, content, values):
    path = tmp_path / 's.yaml'
    path.write_text(content)
    assert read_spec_text(path).values == {'train': values}


@pytest.mark.parametrize(
    ('content', 'line', 'key'),
    [
        ('train:\n  seed: 1\ntrain.seed: 2\n', 3, 'train.seed'),
        ('train:\n  seed: 1\n  randomseed: 2\n', 3, 'train.seed'),
        ('train.seed: 1\ntrain: 2\n', 2, 'train'),
        ('train: 1\ntrain.seed: 2\n', 2, 'train.seed'),
    ],
)
def test_a_key_in_two_ways(tmp_path, content, line, key):
    path = tmp_path / 's.yaml'
    path.write_text(content)
    with raises(ConfigError, 'given again', path=path) as caught:
        read_spec_text(path)
    assert (caught.value.place.line, caught.value.place.field) == (line, key)


def test_older_name_on_the_command_line(tmp_path):
    spec = make_spec(tmp_path, 'train.randomseed=7')
    assert spec.values.train.seed == 7
    assert spec.origin.gives('train.seed')


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_encodings(tmp_path, encoding):
    path = tmp_path / 'a.yaml'
    path.write_text('dataset:\n  category: Größe\n', encoding=encoding)
    spec = read_spec_text(path)
    assert (spec.values, spec.lines['dataset.category']) == ({'dataset': {'category': 'Größe'}}, 2)


def test_aliases_that_grow_without_limit():
    path = Path(__file__).parents[2] / 'data' / 'cases' / 'attacks' / 'alias_bomb_spec.yaml'
    with raises(ConfigError, path=path):
        read_spec_text(path)
