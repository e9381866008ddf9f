from functools import reduce

import pytest

from cpose.errors import ConfigError
from cpose.files.encryption_key import KEY_VARIABLE
from cpose.tao.spec.required import find_missing, without_missing
from cpose.tao.spec.sections.experiment import Experiment

from ...user_errors import raises
from ..specs import make_spec

TRT = 'gen_trt_engine.tensorrt'


def test_what_is_missing():
    values = {'a': {'b': '???', 'c': ['x', '<required>']}, 'd': 1, 'e': '??'}
    assert list(find_missing(values)) == ['a.b', 'a.c']
    assert without_missing(values) == {'a': {'c': ['x']}, 'd': 1, 'e': '??'}


@pytest.mark.parametrize(
    ('task', 'words'),
    [
        ('train', ['train.num_epochs=???']),
        ('train', ['dataset.val_data=???']),
        ('evaluate', ['model.head_conv=<required>']),
        ('evaluate', ['results_dir=???']),
        ('export', ['encryption_key=???']),
        ('gen_trt_engine', [f'{TRT}.calibration.cal_image_dir=["???"]', f'{TRT}.data_type=int8']),
    ],
)
def test_value_that_must_be_given(tmp_path, monkeypatch, task, words):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    key = words[0].partition('=')[0]
    with raises(ConfigError, '???', spec_key=key, where='Command line'):
        make_spec(tmp_path, *words, task=task)


@pytest.mark.parametrize(
    ('task', 'word'),
    [
        ('evaluate', 'train.num_epochs=???'),
        ('train', 'dataset.test_data=???'),
        ('train', 'evaluate.checkpoint=???'),
        ('evaluate', 'evaluate.trt_engine=???'),
        ('gen_trt_engine', f'{TRT}.calibration.cal_cache_file=???'),
        ('export', 'encryption_key=???'),
        ('train', 'automl.storage=???'),
    ],
)
def test_value_that_the_task_does_not_read_is_the_default(tmp_path, monkeypatch, task, word):
    monkeypatch.setenv(KEY_VARIABLE, 'from outside')
    key = word.partition('=')[0]
    default = reduce(getattr, key.split('.'), Experiment())
    assert make_spec(tmp_path, word, task=task).value(key) == default


@pytest.mark.parametrize('task', ['evaluate', 'inference', 'gen_trt_engine'])
def test_encryption_key_of_a_task_that_may_not_need_it(tmp_path, monkeypatch, task):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert make_spec(tmp_path, 'encryption_key=???', task=task).values.encryption_key == ''
