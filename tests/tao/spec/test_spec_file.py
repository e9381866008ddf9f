import warnings
from pathlib import Path

import pytest

from cpose.errors import ConfigError
from cpose.tao import TASKS
from cpose.tao.spec.spec_file import load_spec

from ...user_errors import raises
from ..specs import MINIMAL, TRAIN_EXAMPLE, make_spec, write_spec

SHARED = Path(__file__).parents[4] / 'shared/tao_specs'
TEMPLATES = sorted(SHARED.glob('*.yaml'))


@pytest.mark.skipif(not TEMPLATES, reason=f'no templates of TAO in {SHARED}')
def test_templates_load():
    for template in TEMPLATES:
        spec = load_spec(template)
        assert spec.values.dataset.num_classes == 1, template
        assert spec.origin.given, template


@pytest.mark.parametrize('task', TASKS)
def test_minimal_specs_are_complete(tmp_path, task):
    spec = make_spec(tmp_path, task=task)
    assert spec.results_dir(task) == Path('results') / task


@pytest.mark.parametrize(
    ('task', 'key', 'others'),
    [
        ('train', 'dataset.train_data', ()),
        ('evaluate', 'dataset.test_data', ()),
        ('evaluate', 'evaluate.checkpoint', ('evaluate.trt_engine',)),
        ('inference', 'dataset.inference_data', ()),
        ('inference', 'inference.checkpoint', ('inference.trt_engine',)),
        ('export', 'export.checkpoint', ()),
        ('export', 'export.onnx_file', ()),
        ('gen_trt_engine', 'gen_trt_engine.onnx_file', ()),
        ('gen_trt_engine', 'gen_trt_engine.trt_engine', ()),
    ],
)
@pytest.mark.parametrize('value', ['???', '<required>', '', 'null'])
def test_required(tmp_path, task, key, others, value):
    with raises(ConfigError, task, spec_key=key) as caught:
        make_spec(tmp_path, f'{key}={value}', task=task)
    assert all(name in ' '.join(caught.value.advice) for name in (key, *others))


@pytest.mark.parametrize('task', ['evaluate', 'inference'])
def test_checkpoint_and_engine_exclude_each_other(tmp_path, task):
    with raises(ConfigError, f'{task}.checkpoint', spec_key=f'{task}.trt_engine'):
        make_spec(tmp_path, f'{task}.trt_engine=x.engine', task=task)


def test_missing_values_are_defaults(tmp_path):
    spec = make_spec(tmp_path, 'gen_trt_engine.tensorrt.calibration.cal_image_dir=["???"]')
    assert spec.values.gen_trt_engine.tensorrt.calibration.cal_image_dir == []


def test_results_dir(tmp_path):
    spec = make_spec(tmp_path, 'train.results_dir=own', 'results_dir=')
    assert spec.results_dir('train') == Path('own')
    with raises(ConfigError, 'evaluate.results_dir', spec_key='results_dir', value=''):
        spec.results_dir('evaluate')


def test_results_dir_of_the_documentation(tmp_path):
    values = {name: part for name, part in MINIMAL.items() if name != 'results_dir'}
    assert make_spec(tmp_path, values=values).results_dir('train') == Path('/results/train')


def test_example_of_the_documentation(tmp_path):
    spec = make_spec(tmp_path, values=TRAIN_EXAMPLE, task='train')
    assert spec.values.train.optim.lr == 6e-5
    assert spec.values.train.resume_training_checkpoint_path == ''
    assert spec.values.train.precision == 'fp32'


@pytest.mark.parametrize(
    ('written', 'words', 'expected', 'warns'),
    [
        ({'num_gpus': 1, 'gpu_ids': [0, 1]}, [], [0, 1], True),
        ({'num_gpus': 4, 'gpu_ids': [2, 3]}, [], [0, 1, 2, 3], True),
        ({'num_gpus': 2, 'gpu_ids': [5, 6]}, [], [5, 6], False),
        ({'num_gpus': 3}, [], [0, 1, 2], False),
        ({'gpu_ids': [3]}, [], [3], False),
        ({'gpu_ids': [1, 2]}, [], [1, 2], False),
        ({}, [], [0], False),
        ({'num_gpus': 4, 'gpu_ids': [0, 1, 2, 3]}, ['train.num_gpus=1'], [0], False),
        ({'num_gpus': 4, 'gpu_ids': [0, 1, 2, 3]}, ['train.gpu_ids=[2]'], [2], False),
    ],
)
def test_gpus(tmp_path, written, words, expected, warns):
    values = {**MINIMAL, 'train': written}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        train = make_spec(tmp_path, *words, values=values).values.train
    assert (train.gpu_ids, train.num_gpus) == (expected, len(expected))
    assert any('disagree' in str(item.message) for item in caught) == warns


def test_no_gpu_twice(tmp_path):
    with raises(ConfigError, spec_key='train.gpu_ids', where='line ', value=[1, 1]):
        make_spec(tmp_path, values={**MINIMAL, 'train': {'gpu_ids': [1, 1]}})


@pytest.mark.parametrize('count', [0, 1025, 10**9, 10**400])
def test_number_of_gpus_that_no_machine_has(tmp_path, count):
    with raises(ConfigError, spec_key='train.num_gpus', where='line '):
        make_spec(tmp_path, values={**MINIMAL, 'train': {'num_gpus': count}})


def test_origin_of_values(tmp_path):
    path = write_spec(tmp_path, 'train:\n  seed: 3\n')
    origin = load_spec(path, ['dataset.flip=0.2']).origin
    assert origin.place('train.seed') == f'Spec {path}, line 2'
    assert origin.place('train.optim.lr') == f'Spec {path}, line 1'
    assert origin.place('model.head_conv') == f'Spec {path}'
    assert origin.place('dataset.flip') == 'Command line'
    assert origin.gives('train')
    assert not origin.gives('model')
