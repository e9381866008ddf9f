import json

import numpy as np
import pytest

from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.json_files import JsonFields

from ..user_errors import raises


def fields(**content):
    return JsonFields(content, 'a.json', 'objects[2].')


def test_array():
    array = fields(scale=[1, 2.5, 3]).array('scale', (3,))
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, [1, 2.5, 3])


@pytest.mark.parametrize(
    ('value', 'problem'),
    [
        ([1, 2], '(2,), expected (3,)'),
        ([[1, 2], [3]], 'unequal length'),
        (['1', '2', '3'], 'numbers only'),
        ([1, None, 3], 'numbers only'),
        ([True, False, True], 'numbers only'),
        ({'x': 1}, 'numbers only'),
        (json.loads('[1, NaN, 3]'), 'finite'),
        (json.loads('[1, Infinity, 3]'), 'finite'),
        (json.loads('[1, 1e400, 3]'), 'finite'),
    ],
)
def test_wrong_array_names_file_field_and_value(value, problem):
    with raises(DataError, problem, path='a.json', field='objects[2].scale', value=value):
        fields(scale=value).array('scale', (3,))


def test_missing_names_what_is_there():
    with raises(DataError, 'size, name', field='objects[2].scale'):
        fields(size=1, name='x').value('scale')


def test_null_is_absent():
    item = fields(visibility=None)
    assert not item.has('visibility')
    with raises(DataError, field='objects[2].visibility'):
        item.value('visibility')


def test_messages_can_be_written_as_utf_8():
    error = fields(name='\ud800').error('name', 'is odd')
    assert '\\ud800' in str(error)
    assert str(error).encode()


def test_nested_places():
    root = JsonFields({'objects': [{}, {'a': {}}]}, 'a.json')
    nested = root.list_of_fields('objects')[1].fields('a')
    assert nested.place('b') == FilePlace('a.json', 'objects[1].a.b')


def test_wrong_kinds():
    with raises(DataError, '[]', place=FilePlace('a.json')):
        JsonFields([], 'a.json')
    with raises(DataError, field='objects', value={}):
        JsonFields({'objects': {}}, 'a.json').list_of_fields('objects')
    with raises(DataError, '7', field='objects[0]'):
        JsonFields({'objects': [7]}, 'a.json').list_of_fields('objects')


@pytest.mark.parametrize(('value', 'expected'), [(600, 600), (600.0, 600)])
def test_positive_int(value, expected):
    number = fields(width=value).positive_int('width')
    assert number == expected
    assert type(number) is int


@pytest.mark.parametrize('value', [0, -3, 1.5, '600', 2**20 + 1, 1e300])
def test_positive_int_refuses(value):
    with raises(DataError, field='objects[2].width', value=value):
        fields(width=value).positive_int('width')


def test_long_values_are_cut():
    with pytest.raises(DataError) as error:
        fields(scale=[0] * 500).array('scale', (3,))
    assert len(str(error.value)) < 300
