import pickle
from pathlib import Path

import numpy as np
import pytest
from torch._utils import ExceptionWrapper

from cpose.error_places import ConfigPlace, FilePlace, FlagPlace
from cpose.errors import (
    ConfigError,
    DataError,
    OutputError,
    UserError,
    check_number,
    check_shape,
    nearest_names,
    plain_message,
)


def test_message_from_a_worker_process():
    """What torch makes of an error in a data loader's worker is a traceback with the message."""
    try:
        raise DataError('a.json: field scale is missing.\nAdd it.')
    except DataError:
        wrapped = ExceptionWrapper(where='in DataLoader worker process 0')
    with pytest.raises(DataError) as caught:
        wrapped.reraise()
    assert 'Traceback' in str(caught.value)
    assert plain_message(caught.value) == 'a.json: field scale is missing.\nAdd it.'


def test_other_messages_stay():
    assert plain_message(DataError('Caught no fish.')) == 'Caught no fish.'
    assert plain_message(DataError('a: b')) == 'a: b'


def test_nearest_names():
    assert nearest_names('DLA43', ['FAN', 'DLA34']) == 'Nearest known: DLA34.'
    assert nearest_names('x', ['b', 'a']) == 'Known: a, b.'
    assert nearest_names('x', []) == 'Known: none.'
    assert nearest_names('?', map(str, range(100))).endswith('and 60 more.')


def test_shapes():
    check_shape('points', np.zeros((3, 2)), (None, 2))
    with pytest.raises(ValueError, match=r'points has shape \(3, 2\), expected \(\*, 3\)'):
        check_shape('points', np.zeros((3, 2)), (None, 3))


@pytest.mark.parametrize('value', [0, 8, 2.5, '3', None, True, float('nan'), float('inf')])
def test_numbers(value):
    check_number('side', 3, least=1, most=7, is_whole=True)
    with pytest.raises(ConfigError) as caught:
        check_number('side', value, least=1, most=7, is_whole=True)
    assert (caught.value.argument, caught.value.value) == ('side', value)
    assert 'of at least 1 and at most 7' in caught.value.problem


def test_numbers_above_a_bound():
    check_number('sigma', 1e-9, above=0)
    with pytest.raises(ConfigError) as caught:
        check_number('sigma', 0, above=0, advice='Say.')
    assert (caught.value.argument, caught.value.value) == ('sigma', 0)
    assert caught.value.advice == ('Say.',)


PROBLEM = 'must be above 0'


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({}, 'must be above 0'),
        ({'argument': 'side', 'value': 0}, 'side=0 must be above 0.'),
        ({'argument': 'side'}, 'side must be above 0.'),
        ({'argument': 'side', 'value': None, 'advice': 'Say'}, 'side=None must be above 0. Say.'),
        ({'argument': 'path', 'value': Path('a')}, "path='a' must be above 0."),
        (
            {'argument': 'side', 'value': 0, 'place': ConfigPlace(('a.side', 'b.side'))},
            'side=0 (config key a.side or b.side) must be above 0.',
        ),
        (
            {'place': ConfigPlace(('model.head',), 'my.py', 'Head')},
            'Head (config key model.head of my.py) must be above 0.',
        ),
        ({'value': 0, 'place': FilePlace('a.json')}, 'a.json must be above 0.'),
        (
            {'value': 0, 'place': FilePlace('a.json', 'fx', 3)},
            'a.json, line 3: field fx=0 must be above 0.',
        ),
        (
            {'argument': 'side', 'value': [1, 2], 'place': FlagPlace('--side')},
            '--side 1 2 must be above 0.',
        ),
    ],
)
def test_composed_message(fields, message):
    error = ConfigError(PROBLEM, **fields)
    assert str(error) == message
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.argument, copy.place) == (message, error.argument, error.place)


@pytest.mark.parametrize(
    ('names', 'place', 'advice'),
    [
        (None, None, 'Choose another out, or replace it with force.'),
        (
            {'out': '--to', 'force': '--force'},
            None,
            'Choose another --to, or replace it with --force.',
        ),
        ({'out': '--to'}, None, 'Choose another --to.'),
        ({}, None, 'Choose another out, or replace it with force.'),
        (
            {'force': '--force'},
            ConfigPlace(('a.b.c',)),
            'Choose another a.b.out, or replace it with --force.',
        ),
    ],
)  # fmt: skip
def test_advice_in_words_of_the_place(names, place, advice):
    both = ('Choose another {out}', 'Replace it with {force}')
    error = OutputError('exists', argument='x', place=place, advice=both)
    error.names = names
    assert str(error).endswith(f'exists. {advice}')


def test_advice_keeps_other_braces():
    assert str(ConfigError('Wrong', advice='Use {epoch:03d}.')) == 'Wrong. Use {epoch:03d}.'


@pytest.mark.parametrize('kind', UserError.__subclasses__())
def test_every_kind_has_the_fields(kind):
    error = kind('is wrong', argument='a', value=1, advice='Mend it.')
    assert str(error) == 'a=1 is wrong. Mend it.'
