import numpy as np
import pytest

from cpose.errors import DataError
from cpose.evaluation.dump_reading import DumpFields

CONTENT = {'score': 0.5, 'points': [[1, 2], [3, 4]], 'none': None, 'items': [{'x': 'text'}]}


def test_fields_are_read():
    fields = DumpFields(CONTENT, 'f.json')
    assert fields.array('score', ()) == 0.5
    np.testing.assert_array_equal(fields.array('points', (2, 2)), [[1, 2], [3, 4]])
    assert fields.array_or_none('none', (3,)) is None
    assert fields.list_of_fields('items')[0].value('x') == 'text'


@pytest.mark.parametrize(
    ('read', 'message'),
    [
        (lambda f: f.value('gone'), r'f\.json: field gone is missing'),
        (lambda f: f.array('points', (2, 3)), r'field points must be 2×3 finite numbers, but is'),
        (lambda f: f.array('none', ()), r'field none must be one finite number, but is None'),
        (lambda f: f.list_of('score'), r'field score must be a list, but is 0\.5'),
        (lambda f: f.fields('points'), r'points is list, expected an object'),
        (
            lambda f: f.list_of_fields('items')[0].array('x', (1,)),
            r"field items\[0\]\.x must be 1 finite numbers, but is 'text'",
        ),
    ],
)
def test_errors_name_file_field_and_value(read, message):
    with pytest.raises(DataError, match=message):
        read(DumpFields(CONTENT, 'f.json'))


def test_root_must_be_an_object():
    with pytest.raises(DataError, match=r'f\.json: The file is list'):
        DumpFields([1], 'f.json')
