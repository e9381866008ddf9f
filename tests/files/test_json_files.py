import json

import numpy as np

from cpose.errors import DataError, OutputError
from cpose.files.json_files import (
    check_writable,
    finite_or_null,
    write_json,
)
from cpose.files.text_files import read_json

from ..user_errors import raises


def test_round_trip_makes_folders_and_nulls(tmp_path):
    path = tmp_path / 'new' / 'folder' / 'metrics.json'
    write_json(path, {'a': [1.5, np.nan, np.float64('inf')], 'b': {'c': 'text', 'd': True}})
    assert read_json(path) == {'a': [1.5, None, None], 'b': {'c': 'text', 'd': True}}
    assert [file.name for file in path.parent.iterdir()] == ['metrics.json']


def test_folder_in_the_way_is_an_error(tmp_path):
    with raises(OutputError, path=tmp_path):
        write_json(tmp_path, {})


def test_devices_are_written_directly():
    write_json('/dev/null', {})


def test_unreadable_files_are_named(tmp_path):
    with raises(DataError, 'No such file', path=tmp_path / 'missing.json'):
        read_json(tmp_path / 'missing.json')
    broken = tmp_path / 'broken.json'
    broken.write_text('{"a": [1, 2')
    with raises(DataError, 'JSON', path=broken):
        read_json(broken)


def test_result_is_strict_json():
    values = {'a': (float('nan'), 1), 'b': {'c': np.float64('-inf'), 'd': 'text'}}
    text = json.dumps(finite_or_null(values), allow_nan=False)
    assert json.loads(text) == {'a': [None, 1], 'b': {'c': None, 'd': 'text'}}


def test_check_before_long_work(tmp_path):
    (tmp_path / 'old.json').write_text('old')
    check_writable(tmp_path / 'old.json')
    check_writable(tmp_path / 'new' / 'metrics.json')
    check_writable('/dev/null')
    assert (tmp_path / 'old.json').read_text() == 'old'
    assert not list((tmp_path / 'new').iterdir())
    with raises(OutputError, str(tmp_path / 'old.json')):
        check_writable(tmp_path / 'old.json' / 'metrics.json')
    with raises(OutputError, path=tmp_path):
        check_writable(tmp_path)


def test_file_below_a_file(tmp_path):
    (tmp_path / 'file').write_text('')
    with raises(OutputError, path=tmp_path / 'file' / 'a.json'):
        write_json(tmp_path / 'file' / 'a.json', {})
