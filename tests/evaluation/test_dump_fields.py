import numpy as np
import pytest

from cpose.error_places import NO_VALUE
from cpose.errors import DataError
from cpose.evaluation.dump_reading import DumpFields

from ..user_errors import raises

CONTENT = {'score': 0.5, 'points': [[1, 2], [3, 4]], 'none': None, 'items': [{'x': 'text'}]}


def test_fields_are_read():
    fields = DumpFields(CONTENT, 'f.json')
    assert fields.array('score', ()) == 0.5
    np.testing.assert_array_equal(fields.array('points', (2, 2)), [[1, 2], [3, 4]])
    assert fields.array_or_none('none', (3,)) is None
    assert fields.list_of_fields('items')[0].value('x') == 'text'


@pytest.mark.parametrize(
    ('read', 'field', 'value', 'problem'),
    [
        (lambda f: f.value('gone'), 'gone', NO_VALUE, 'missing'),
        (lambda f: f.array('points', (2, 3)), 'points', CONTENT['points'], '2×3'),
        (lambda f: f.array('none', ()), 'none', None, 'one finite number'),
        (lambda f: f.list_of('score'), 'score', 0.5, 'a list'),
        (lambda f: f.fields('points'), 'points', NO_VALUE, 'is list'),
        (
            lambda f: f.list_of_fields('items')[0].array('x', (1,)),
            'items[0].x',
            'text',
            '1 finite',
        ),
    ],
)
def test_errors_name_file_field_and_value(read, field, value, problem):
    with raises(DataError, problem, path='f.json', field=field, value=value):
        read(DumpFields(CONTENT, 'f.json'))


def test_root_must_be_an_object():
    with raises(DataError, 'is list', path='f.json', field=''):
        DumpFields([1], 'f.json')
