import json

import pytest
from jsonschema import Draft202012Validator

from cpose.errors import ConfigError
from cpose.tao import TASKS
from cpose.tao.spec.schema import DIALECT, job_schema
from cpose.tao.spec.sections.experiment import Experiment
from cpose.tao.zoo import list_base_experiments

from ...user_errors import raises


@pytest.mark.parametrize('task', TASKS)
def test_schema_is_valid_and_accepts_its_default(task):
    schema = job_schema(task)
    assert schema['$schema'] == DIALECT
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(schema['default'])
    Experiment.model_validate(schema['default'])
    assert set(schema['default']) == set(schema['properties'])
    assert task in schema['properties']
    assert json.loads(json.dumps(schema, allow_nan=False)) == schema


def test_schema_refuses_what_the_loader_refuses():
    validator = Draft202012Validator(job_schema('train'))
    for bad in (
        {'train': {'num_epochs': 0}},
        {'train': {'precision': 'fp64'}},
        {'dataset': {'num_classes': 0}},
        {'dataset': {'num_symmetry': ['x']}},
        {'dataset': {'unknown': 1}},
        {'train': {'gpu_ids': []}},
        {'train': {'gpu_ids': [-1]}},
    ):
        assert not validator.is_valid(bad), bad


def test_what_automl_tunes():
    assert job_schema('train')['automl_default_parameters'] == [
        'train.optim.lr',
        'train.optim.lr_decay',
    ]


def test_base_experiment_becomes_the_default():
    entry = next(item for item in list_base_experiments() if item['name'] == 'dla34_bottle')
    for name in (entry['id'], entry['name']):
        schema = job_schema('train', name)
        assert schema['default']['model']['backbone']['model_type'] == 'DLA34'
        category = schema['properties']['dataset']['properties']['category']
        assert category['default'] == schema['default']['dataset']['category'] == 'bottle'
    assert job_schema('train')['default']['dataset']['category'] == 'cereal_box'


@pytest.mark.parametrize('task', [task for task in TASKS if task != 'train'])
def test_default_leaves_to_the_model_what_it_knows(task):
    default = job_schema(task)['default']
    assert default['model'] == {}
    assert not {'category', 'num_symmetry', 'input_res'} & set(default['dataset'])
    assert not {'input_width', 'num_select', 'eval_num_symmetry'} & set(default[task])
    of_chair = job_schema(task, 'dla34_chair')['default']
    assert of_chair['model'] == {'backbone': {'model_type': 'DLA34'}}
    assert of_chair['dataset']['category'] == 'chair'


def test_unknown_names():
    with raises(ConfigError, argument='action', value='trian') as caught:
        job_schema('trian')
    assert 'train' in caught.value.advice[0]
    with raises(ConfigError, argument='experiment_id', value='dla34_bik') as caught:
        job_schema('train', 'dla34_bik')
    assert 'dla34_bike' in caught.value.advice[0]
