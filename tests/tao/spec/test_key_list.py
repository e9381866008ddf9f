from pathlib import Path

import pytest
import yaml

from cpose.tao.spec.key_list import (
    default_values,
    describe_allowed,
    experiment_schema,
    flatten,
    section_keys,
    spec_keys,
)

SHARED = Path(__file__).parents[4] / 'shared/tao_specs'
TEMPLATES = sorted(SHARED.glob('*.yaml'))


def test_keys_in_their_order():
    keys = list(spec_keys())
    assert keys[:3] == ['model_name', 'encryption_key', 'results_dir']
    assert keys.index('dataset.train_data') < keys.index('dataset._eig_val')
    assert 'gen_trt_engine.tensorrt.calibration.cal_batches' in keys
    assert {'model', 'model.backbone', 'train.optim'} <= section_keys()
    assert not section_keys() & set(keys)


def test_schema_has_no_references_and_every_key_says_what_it_does():
    assert '$ref' not in str(experiment_schema())
    for key, schema in spec_keys().items():
        assert schema['description'].endswith('.'), key
        assert 'default' in schema, key


@pytest.mark.skipif(not TEMPLATES, reason=f'no templates of TAO in {SHARED}')
def test_all_keys_of_the_templates_are_known():
    found = set()
    for template in TEMPLATES:
        found |= {key for key, _ in flatten(yaml.safe_load(template.read_text()))}
    assert found <= set(spec_keys())
    new = {key for key in spec_keys() if key not in found and 'automl' not in key}
    assert all(
        'checkpointer' in key
        or spec_keys()[key]['difference'] in ('New here.', 'Older releases of TAO only.')
        for key in new
    ), new


@pytest.mark.skipif(not TEMPLATES, reason=f'no templates of TAO in {SHARED}')
def test_defaults_are_those_of_the_schema_or_the_difference_is_told():
    template = yaml.safe_load((SHARED / 'spec_template_train.yaml').read_text())
    ours = dict(flatten(default_values()))
    for key, value in flatten(template):
        theirs = value.upper() if key.endswith('data_type') else value
        assert ours[key] == theirs or spec_keys()[key].get('difference'), key


def test_flatten_and_defaults_agree():
    assert [key for key, _ in flatten(default_values())] == list(spec_keys())


@pytest.mark.parametrize(
    ('schema', 'text'),
    [
        ({'type': 'integer', 'minimum': 1}, 'a whole number from 1'),
        ({'type': 'number', 'exclusiveMinimum': 0, 'maximum': 1}, 'a number above 0 to 1'),
        ({'anyOf': [{'type': 'number'}, {'type': 'null'}]}, 'a number or null'),
        ({'type': 'boolean'}, 'true or false'),
        ({'const': True, 'type': 'boolean'}, 'true'),
        ({'const': '', 'type': 'string'}, '""'),
        ({'enum': ['a', 'b']}, 'one of a, b'),
        ({'type': 'array', 'items': {'type': 'string'}}, 'a list, each a text'),
        (
            {'type': 'array', 'minItems': 2, 'maxItems': 2, 'items': {'type': 'number'}},
            'a list of 2, each a number',
        ),
    ],
)
def test_describe_allowed(schema, text):
    assert describe_allowed(schema) == text
