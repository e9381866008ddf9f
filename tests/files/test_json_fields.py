import json

import numpy as np
import pytest

from cpose.errors import DataError
from cpose.files.json_fields import JsonFields


def fields(**content):
    return JsonFields(content, 'a.json', 'objects[2].')


def test_array():
    array = fields(scale=[1, 2.5, 3]).array('scale', (3,))
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, [1, 2.5, 3])


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        ([1, 2], r'has shape \(2,\), expected \(3,\)'),
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
def test_wrong_array_names_file_field_and_value(value, message):
    with pytest.raises(DataError, match=message) as error:
        fields(scale=value).array('scale', (3,))
    assert 'a.json: field objects[2].scale' in str(error.value)
    assert str(value)[:20] in str(error.value)


def test_missing_names_what_is_there():
    with pytest.raises(DataError, match=r'objects\[2\]\.scale is missing \(there is size, name\)'):
        fields(size=1, name='x').value('scale')


def test_null_is_absent():
    item = fields(visibility=None)
    assert not item.has('visibility')
    with pytest.raises(DataError, match='is missing'):
        item.value('visibility')


def test_messages_can_be_written_as_utf_8():
    error = fields(name='\ud800').error('name', 'is odd')
    assert '\\ud800' in str(error)
    assert str(error).encode()


def test_nested_places():
    root = JsonFields({'objects': [{}, {'a': {}}]}, 'a.json')
    nested = root.list_of_fields('objects')[1].fields('a')
    assert nested.place('b') == 'a.json: field objects[1].a.b'


def test_wrong_kinds():
    with pytest.raises(DataError, match='its top level is'):
        JsonFields([], 'a.json')
    with pytest.raises(DataError, match=r'objects must be a list'):
        JsonFields({'objects': {}}, 'a.json').list_of_fields('objects')
    with pytest.raises(DataError, match=r'field objects\[0\] is 7, expected a JSON object'):
        JsonFields({'objects': [7]}, 'a.json').list_of_fields('objects')


@pytest.mark.parametrize(('value', 'expected'), [(600, 600), (600.0, 600)])
def test_positive_int(value, expected):
    number = fields(width=value).positive_int('width')
    assert number == expected
    assert type(number) is int


@pytest.mark.parametrize('value', [0, -3, 1.5, '600', 2**20 + 1, 1e300])
def test_positive_int_refuses(value):
    with pytest.raises(DataError, match=r'objects\[2\]\.width'):
        fields(width=value).positive_int('width')


def test_long_values_are_cut():
    with pytest.raises(DataError) as error:
        fields(scale=[0] * 500).array('scale', (3,))
    assert len(str(error.value)) < 300
