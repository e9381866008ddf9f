import inspect

import pytest
from mmengine.runner import Runner

from cpose.apis.config.override import READ_KEYS, merge_option, nest_options, refuse_misspelt
from cpose.errors import ConfigError


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
    ('options', 'message'),
    [
        ({'a.2': 1}, r'The override a\.2 does not fit.* a is a list, its 2 items'),
        ({'a.b': 1}, r'The override a\.b does not fit'),
        ({'none.b': 1}, r'none=None has no keys'),
        ({'a.0.b': 1}, r'a\.0=1 has no keys'),
        ({'none': 1, 'none.b': 1}, r'none, none\.b contradict'),
        ({'': 1}, r"'' cannot be a config key"),
        ({'a..b': 1}, r"'a\.\.b' cannot be a config key"),
        ({'5': 1}, r"'5' cannot be a config key"),
        ({'class.b': 1}, r"'class\.b' cannot be a config key"),
        ({'text': 1}, r"'text' cannot be a config key"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ConfigError, match=message):
        merge_option({'a': [1, 2], 'none': None}, nest_options(options))


def test_misspelt_keys_are_refused():
    with pytest.raises(ConfigError, match=r"'optim_wraper'.*Nearest known: optim_wrapper\."):
        refuse_misspelt({'optim_wraper': 1}, [])
    with pytest.raises(ConfigError, match=r"'my_sizes'.*Nearest known: my_size\."):
        refuse_misspelt({'my_sizes': 1}, ['my_size'])
    refuse_misspelt({'optim_wraper': 1, 'my_size': 1, 'compile': True}, ['optim_wraper'])


def test_keys_of_the_runner_are_known():
    assert set(inspect.signature(Runner).parameters) - {'cfg'} <= READ_KEYS
