import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cpose.apis.inference.camera_io import GuessWarning
from cpose.deploy.engines.engine_build import choose_profile
from cpose.deploy.runtimes.base import Runtime
from cpose.error_places import ConfigPlace, FilePlace
from cpose.errors import ConfigError, DataError, OutputError
from cpose.tao.spec.key_list import spec_keys
from cpose.tao.tasks.spec_words import (
    ARGUMENTS,
    CONFIG_KEYS,
    OWN_ARGUMENTS,
    errors_name_spec_keys,
    tell_spec_keys,
)
from cpose.tao.translation.spec_config import load_overlay, training_overlay

from ...user_errors import raises
from ..specs import make_spec

TRT = 'gen_trt_engine.tensorrt'


FILLED = {
    'task': 'inference',
    'model': 'inference.checkpoint',
    'batch_size': 'dataset.batch_size',
    'results_dir': 'results_dir',
}


def test_keys_exist():
    own = {key for arguments in OWN_ARGUMENTS.values() for key in arguments.values()}
    found = {*ARGUMENTS.values(), *own, *CONFIG_KEYS.values()}
    assert {key.format(**FILLED) for key in found} <= set(spec_keys())


def test_keys_of_configs_exist(tmp_path):
    config = load_overlay(training_overlay(make_spec(tmp_path, 'train.precision=fp16')))
    for place in CONFIG_KEYS.keys() - UNSET:
        node = config
        for part in place.split('.'):
            assert part in node, place
            node = node[part]


UNSET = {
    *('model.backbone.pretrained_path', 'load_from', 'model.neck.out_channels'),
    *(
        f'{name}_dataloader.dataset.{key}'
        for name in ('val', 'test')
        for key in ('max_objs', 'seed', 'metainfo.symmetry.order')
    ),
    'train_dataloader.dataset.metainfo.symmetry.order',
}
"""Keys that a config need not have."""


def test_warnings_speak_of_the_spec(tmp_path):
    """An inference without a camera warns of its guess before a command can tell its options."""
    with (
        pytest.warns(GuessWarning, match=r'as inference\.focal_length_x'),
        errors_name_spec_keys(make_spec(tmp_path), 'inference'),
    ):
        warnings.warn(
            GuessWarning('No camera is known', advice='Give it as {camera}'), stacklevel=2
        )


@pytest.mark.parametrize(
    ('words', 'argument', 'key'),
    [
        ((), 'batch_size', 'dataset.batch_size'),
        (('evaluate.batch_size=2',), 'batch_size', 'evaluate.batch_size'),
        ((), 'work_dir', 'results_dir'),
        (('evaluate.results_dir=own',), 'work_dir', 'evaluate.results_dir'),
        ((), 'checkpoint', 'evaluate.checkpoint'),
        (
            ('evaluate.checkpoint=', 'evaluate.trt_engine=a.plan'),
            'checkpoint',
            'evaluate.trt_engine',
        ),
    ],
)
def test_the_key_that_counted_is_named(tmp_path, words, argument, key):
    error = ConfigError('is wrong', argument=argument, value=3)
    tell_spec_keys(error, make_spec(tmp_path, *words), 'evaluate')
    assert error.place.key == key


@pytest.mark.parametrize('name', ['train', 'val', 'test'])
def test_data_without_usable_files(tmp_path, name):
    place = ConfigPlace((f'{name}_dataloader.dataset.data_root',))
    error = DataError('holds no image', argument='data_root', value='d', place=place)
    tell_spec_keys(error, make_spec(tmp_path), 'evaluate')
    assert error.place.key == f'dataset.{name}_data'


@pytest.mark.parametrize(
    ('task', 'argument', 'key'),
    [
        ('train', 'batch_size', 'dataset.batch_size'),
        ('train', 'checkpoint', 'train.pretrained_model_path'),
        ('inference', 'batch_size', 'dataset.batch_size'),
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
    tell_spec_keys(error, make_spec(tmp_path, f'{task}.batch_size=2'), task)
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
        ({'place': ConfigPlace(('model.neck.conv',)), 'argument': 'out'}, None),
        ({'place': ConfigPlace(('model.head.head_conv',))}, 'model.head_conv'),
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
