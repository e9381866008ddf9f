from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cpose.deploy.engines.engine_build import choose_profile
from cpose.deploy.runtimes.base import Runtime
from cpose.error_places import ConfigPlace, FilePlace
from cpose.errors import ConfigError, OutputError
from cpose.tao.spec.key_list import spec_keys
from cpose.tao.tasks.run import (
    ARGUMENTS,
    CONFIG_KEYS,
    OWN_ARGUMENTS,
    errors_name_spec_keys,
    tell_spec_keys,
)

from ...user_errors import raises
from ..specs import make_spec

TRT = 'gen_trt_engine.tensorrt'


def test_keys_exist():
    own = {key for arguments in OWN_ARGUMENTS.values() for key in arguments.values()}
    assert {*ARGUMENTS.values(), *own, *CONFIG_KEYS.values()} <= set(spec_keys())


@pytest.mark.parametrize(
    ('task', 'argument', 'key'),
    [
        ('train', 'batch_size', 'dataset.batch_size'),
        ('train', 'checkpoint', 'train.pretrained_model_path'),
        ('inference', 'batch_size', 'inference.batch_size'),
        ('inference', 'inputs', 'dataset.inference_data'),
        ('export', 'checkpoint', 'export.checkpoint'),
        ('gen_trt_engine', 'batch_size', f'{TRT}.calibration.cal_batch_size'),
    ],
)
def test_keys_of_a_task(tmp_path, task, argument, key):
    error = ConfigError('is wrong', argument=argument, value=9)
    tell_spec_keys(error, make_spec(tmp_path), task)
    assert error.place.key == key


@pytest.mark.parametrize('task', ['evaluate', 'inference'])
def test_batch_of_a_config(tmp_path, task):
    error = ConfigError('is wrong', place=ConfigPlace(('test_dataloader.batch_size',)))
    tell_spec_keys(error, make_spec(tmp_path), task)
    assert error.place.key == f'{task}.batch_size'


def test_error_names_place_and_keys_of_the_spec(tmp_path):
    spec = make_spec(tmp_path, f'{TRT}.min_batch_size=9')
    with (
        raises(ConfigError, '9', argument='opt_batch') as caught,
        errors_name_spec_keys(spec, 'gen_trt_engine'),
    ):
        choose_profile(None, 9, 4, 8)
    assert caught.value.place.key == f'{TRT}.opt_batch_size'
    assert f'{TRT}.min_batch_size' in str(caught.value)


@pytest.mark.parametrize(
    ('fields', 'key'),
    [
        ({'argument': 'work_dir'}, 'results_dir'),
        ({'argument': 'folders'}, None),
        ({'place': ConfigPlace(('train_dataloader.batch_size',))}, 'dataset.batch_size'),
        ({'place': ConfigPlace(('model.head.head_conv',)), 'argument': 'out'}, None),
        ({'place': FilePlace('a.onnx'), 'argument': 'out'}, None),
    ],
)
def test_places_become_places_of_the_spec(tmp_path, fields, key):
    spec = make_spec(tmp_path, values='results_dir: x')
    error = OutputError('is wrong', **fields)
    place = error.place
    with raises(OutputError), errors_name_spec_keys(spec, 'train'):
        raise error
    assert getattr(error.place, 'key', None) == key
    assert (key is not None) or error.place == place


@pytest.mark.parametrize(
    ('task', 'key'),
    [
        ('export', 'export.onnx_file'),
        ('gen_trt_engine', 'gen_trt_engine.trt_engine'),
        ('train', 'results_dir'),
    ],
)
def test_output_of_the_task(tmp_path, task, key):
    error = ConfigError('has another ending', argument='out', value='a.bin')
    tell_spec_keys(error, make_spec(tmp_path), task)
    assert error.place.key == key


def test_advice_names_keys_or_what_a_task_has(tmp_path):
    spec = make_spec(tmp_path, values='results_dir: x')
    error = OutputError(
        'is there',
        place=FilePlace('a'),
        advice=('Choose another {out}', 'Replace it with {force}', 'Continue with {resume}'),
    )
    tell_spec_keys(error, spec, 'train')
    assert str(error) == (
        'a is there. Choose another results_dir, or continue with the same command.'
    )


def test_batch_of_the_task(tmp_path):
    spec = make_spec(tmp_path, 'evaluate.batch_size=9')
    runtime = StandIn()
    with (
        raises(ConfigError, argument='batch_size', value=9) as caught,
        errors_name_spec_keys(spec, 'evaluate'),
    ):
        runtime(torch.zeros(9, 3, 64, 64))
    assert 'evaluate.batch_size' in str(caught.value)


class StandIn(Runtime):
    """A file for batches of one image."""

    path, batch_limits = Path('a.onnx'), (1, 1)
    metadata = SimpleNamespace(input_wh=(64, 64))

    def run(self, inputs):
        raise AssertionError

    def describe(self):
        return ''
