from math import inf, isnan

import pytest

from cpose.error_places import NO_VALUE
from cpose.errors import ConfigError
from cpose.files.encryption_key import HIDDEN
from cpose.tao.spec.errors import SpecValuesError, suggest_key
from cpose.tao.spec.spec_file import load_spec

from ...user_errors import raises
from ..specs import write_spec


@pytest.mark.parametrize(
    ('text', 'line', 'key', 'value', 'problem'),
    [
        ('train:\n  num_epochs: 0', 2, 'train.num_epochs', 0, 'a whole number from 1'),
        ('train:\n  num_epochs: two', 2, 'train.num_epochs', 'two', 'a whole number from 1'),
        ('train:\n  num_epochs: 2.5', 2, 'train.num_epochs', 2.5, 'a whole number from 1'),
        ('train:\n  num_epochs: true', 2, 'train.num_epochs', True, 'a whole number from 1'),
        ('train:\n  optim:\n    lr: .inf', 3, 'train.optim.lr', inf, 'a number from 0'),
        ('train:\n  optim:\n    lr: fast', 3, 'train.optim.lr', 'fast', 'a number from 0'),
        ('train:\n  gpu_ids: [0, -1]', 2, 'train.gpu_ids.1', -1, 'a whole number from 0'),
        ('train:\n  gpu_ids: []', 2, 'train.gpu_ids', [], 'at least 1, each a whole number from 0'),
        (
            'automl:\n  range_override:\n    - {parameter: a, valid_min: b}',
            *(3, 'automl.range_override.0.valid_min', 'b', 'a number or null'),
        ),
        ('train:\n  precision: fp64', 2, 'train.precision', 'fp64', 'one of fp32, fp16, bf16'),
        ('train: 3', 1, 'train', 3, 'a section of keys'),
        ('dataset:\n  num_classes: 0', 2, 'dataset.num_classes', 0, 'a whole number from 1'),
        ('dataset:\n  category: {a: 1}', 2, 'dataset.category', {'a': 1}, 'a text or a list'),
        ('dataset:\n  category: []', 2, 'dataset.category', [], 'a text or a list'),
        ('dataset:\n  num_symmetry: [4, 0]', 2, 'dataset.num_symmetry', [4, 0], 'number from 1'),
        ('dataset:\n  num_joints: 7', 2, 'dataset.num_joints', 7, 'eight corners'),
        ('dataset:\n  input_res: 500', 2, 'dataset.input_res', 500, 'from 32 in steps of 32'),
        ('dataset:\n  mean: [1, 2]', 2, 'dataset.mean', [1, 2], 'a list of 3, each a number'),
        ('dataset:\n  pin_memory: maybe', 2, 'dataset.pin_memory', 'maybe', 'true or false'),
        ('train:\n  num_nodes: 2', 2, 'train.num_nodes', 2, 'cpose train --launcher pytorch'),
    ],
)
def test_values_that_are_not_allowed(tmp_path, text, line, key, value, problem):
    path = write_spec(tmp_path, text)
    with raises(ConfigError, problem, spec_key=key, where=f'{path}, line {line}', value=value):
        load_spec(path)


def test_value_that_is_no_number(tmp_path):
    with raises(
        ConfigError, 'a number from 0', spec_key='train.optim.lr', where='line 3'
    ) as caught:
        load_spec(write_spec(tmp_path, 'train:\n  optim:\n    lr: .nan'))
    assert isnan(caught.value.value)


@pytest.mark.parametrize(
    ('text', 'line', 'key', 'nearest'),
    [
        ('dataset:\n  use_pnp: 1', 2, 'dataset.use_pnp', 'inference.use_pnp'),
        ('backbone:\n  model_type: DLA34', 1, 'backbone', 'model.backbone'),
        ('dataset:\n  inference data: x', 2, 'dataset.inference data', 'inference_data'),
        ('trian: {}', 1, 'trian', 'train'),
    ],
)
def test_keys_that_are_unknown(tmp_path, text, line, key, nearest):
    with raises(ConfigError, spec_key=key, where=f'line {line}', value=NO_VALUE) as caught:
        load_spec(write_spec(tmp_path, text))
    assert nearest in caught.value.advice[0]


@pytest.mark.parametrize('value', ['[geheim]', '{geheim: 1}', '0123', 'true', '12.5'])
def test_no_message_shows_the_key(tmp_path, value):
    with raises(ConfigError, spec_key='encryption_key', where='line 1', value=HIDDEN) as caught:
        load_spec(write_spec(tmp_path, f'encryption_key: {value}'))
    assert not any(text in caught.value.problem for text in ('geheim', '0123', 'true', '12.5'))
    assert load_spec(write_spec(tmp_path, 'encryption_key: "0123"')).values.encryption_key == '0123'


def test_all_mistakes_are_told_at_once(tmp_path):
    path = write_spec(tmp_path, 'train:\n  seed: x\n  num_epochs: y\n')
    with raises(SpecValuesError) as caught:
        load_spec(path, ['model.head_conv=1'])
    places = {error.place.key: error.place.where for error in caught.value.errors}
    assert places == {
        'train.seed': f'Spec {path}, line 2',
        'train.num_epochs': f'Spec {path}, line 3',
        'model.head_conv': 'Command line',
    }
    assert set(str(caught.value).splitlines()) == {str(error) for error in caught.value.errors}


def test_many_mistakes_are_counted(tmp_path):
    names = '\n'.join(f'  bad_{number}: 1' for number in range(20))
    with raises(SpecValuesError, '12 more') as caught:
        load_spec(write_spec(tmp_path, f'train:\n{names}'))
    assert len(caught.value.errors) == 20
    assert len(caught.value.problem.splitlines()) == 9


def test_long_values_are_cut(tmp_path):
    with raises(ConfigError, spec_key='train.seed', value='x' * 500) as caught:
        load_spec(write_spec(tmp_path, f'train:\n  seed: {"x" * 500}'))
    assert 'x' * 200 not in str(caught.value)


def test_suggestion_prefers_the_same_name_elsewhere():
    assert suggest_key('train.lr') == 'Nearest known: train.optim.lr.'
