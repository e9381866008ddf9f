import inspect

import pytest
from mmengine.runner import Runner

from cpose.apis.config.override import READ_KEYS, merge_option, nest_options, refuse_misspelt
from cpose.errors import ConfigError

from ...user_errors import raises


@pytest.mark.parametrize(
    ('old', 'options', 'expected'),
    [
        ({'a': {'b': 1, 'c': 2}}, {'a.b': 3}, {'a': {'b': 3, 'c': 2}}),
        ({'a': 1}, {'b.c': 2}, {'a': 1, 'b': {'c': 2}}),
        ({'a': {'b': 1}}, {'a': {'_delete_': True, 'c': 2}}, {'a': {'c': 2}}),
        ({'a': {'b': 1}}, {'a.c': 2, 'a._delete_': True}, {'a': {'c': 2}}),
        ({'a': {'b': 1}}, {'a': 5}, {'a': 5}),
        ({'a': (512, 512)}, {'a.0': 320}, {'a': (320, 512)}),
        ({'a': [{'b': [1, 2], 'c': 3}]}, {'a.0.b.1': 5}, {'a': [{'b': [1, 5], 'c': 3}]}),
        ({'a': [{'b': 1}]}, {'a.0': 5}, {'a': [5]}),
        ({'a': [1]}, {'a': {'_delete_': True, 'b': 1}}, {'a': {'b': 1}}),
    ],
)
def test_values(old, options, expected):
    before = repr(old)
    assert merge_option(old, nest_options(options)) == expected
    assert repr(old) == before


@pytest.mark.parametrize(
    ('options', 'value'),
    [
        ({'a.2': 1}, 'a.2'),
        ({'a.b': 1}, 'a.b'),
        ({'none.b': 1}, 'none.b'),
        ({'a.0.b': 1}, 'a.0.b'),
        ({'none': 1, 'none.b': 1}, ['none', 'none.b']),
        ({'': 1}, ''),
        ({'a..b': 1}, 'a..b'),
        ({'5': 1}, '5'),
        ({'class.b': 1}, 'class.b'),
        ({'text': 1}, 'text'),
    ],
)
def test_mistakes(options, value):
    with raises(ConfigError, argument='options', value=value):
        merge_option({'a': [1, 2], 'none': None}, nest_options(options))


def test_misspelt_keys_are_refused():
    with raises(ConfigError, value='optim_wraper') as caught:
        refuse_misspelt({'optim_wraper': 1}, [])
    assert ' optim_wrapper.' in caught.value.advice[0]
    with raises(ConfigError, value='my_sizes') as caught:
        refuse_misspelt({'my_sizes': 1}, ['my_size'])
    assert ' my_size.' in caught.value.advice[0]
    refuse_misspelt({'optim_wraper': 1, 'my_size': 1, 'compile': True}, ['optim_wraper'])


def test_keys_of_the_runner_are_known():
    assert set(inspect.signature(Runner).parameters) - {'cfg'} <= READ_KEYS
