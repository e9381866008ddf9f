import json
import os
from datetime import datetime as real_datetime

import pytest

from cpose.engine import status_file
from cpose.engine.status_file import FAILURE, RUNNING, STARTED, StatusFile, parse_line
from cpose.errors import OutputError
from cpose.files.encryption_key import use_key

from ..user_errors import raises


class FixedTime:
    @staticmethod
    def now():
        return real_datetime(2026, 3, 7, 9, 5, 1)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(status_file, 'datetime', FixedTime)
    return StatusFile(tmp_path / 'train' / 'status.json')


def lines(file):
    return [json.loads(line) for line in file.path.read_text().splitlines()]


def test_keys_and_values_are_those_of_tao(file):
    file.write(STARTED, 'Starting train.')
    file.write(RUNNING, 'Train metrics generated.', {'train_loss': 1.5}, epoch=0, eta='0:00:02')
    assert lines(file) == [
        {
            'date': '3/7/2026',
            'time': '9:5:1',
            'status': 'STARTED',
            'verbosity': 'INFO',
            'message': 'Starting train.',
        },
        {
            'date': '3/7/2026',
            'time': '9:5:1',
            'status': 'RUNNING',
            'verbosity': 'INFO',
            'message': 'Train metrics generated.',
            'epoch': 0,
            'eta': '0:00:02',
            'kpi': {'train_loss': 1.5},
        },
    ]


def test_last_numbers_are_repeated_within_a_job(file):
    file.write(STARTED, 'first')
    file.write(RUNNING, 'measured', {'val_3DIoU': '0.5'})
    file.write(RUNNING, 'nothing new')
    file.write(STARTED, 'second job')
    file.write(RUNNING, 'nothing measured')
    kpis = [line.get('kpi') for line in lines(file)]
    assert kpis == [None, {'val_3DIoU': '0.5'}, {'val_3DIoU': '0.5'}, None, None]


def test_every_line_is_one_system_call(file, monkeypatch):
    calls = []
    real = os.write
    monkeypatch.setattr(os, 'write', lambda *args: calls.append(args[1]) or real(*args))
    file.write(RUNNING, 'text\nwith a new line')
    assert len(calls) == 1
    assert calls[0].count(b'\n') == 1


def test_half_a_line_before_does_not_spoil_the_next(file):
    file.write(RUNNING, 'whole', {'a': 1})
    with file.path.open('a') as stream:
        stream.write('{"date": "3/7')
    assert file.last_record()['message'] == 'whole'
    file.write(FAILURE, 'after')
    parsed = [parse_line(line) for line in file.path.read_text().splitlines()]
    assert [record and record['message'] for record in parsed] == ['whole', None, 'after']


def test_numbers_that_json_does_not_know_are_null(file):
    file.write(RUNNING, 'x', {'train_loss': float('nan')})
    assert lines(file)[0]['kpi'] == {'train_loss': None}


def test_key_is_hidden(file):
    with use_key('secret'):
        file.write(RUNNING, 'opened with secret')
    assert lines(file)[0]['message'] == 'opened with ***'


def test_full_disk(file, monkeypatch):
    monkeypatch.setattr(os, 'write', lambda *args: 3)
    with raises(OutputError, 'disk is full'):
        file.write(RUNNING, 'x')


def test_folder_that_is_none(tmp_path):
    (tmp_path / 'train').touch()
    with raises(OutputError):
        StatusFile(tmp_path / 'train' / 'status.json').write(RUNNING, 'x')


def test_nothing_yet(file):
    assert file.last_record() is None


FOREIGN = {
    'annotation': '{"camera_data": {}, "objects": []}',
    'annotation in lines': '{\n  "status": 1,\n  "objects": []\n}',
    'model': b'PK\x03\x04' + bytes(range(256)),
    'list': '[1, 2]\n',
}


@pytest.mark.parametrize('kind', FOREIGN)
@pytest.mark.parametrize('is_link', [False, True])
def test_a_file_of_another_kind_stays(tmp_path, kind, is_link):
    content = FOREIGN[kind] if isinstance(FOREIGN[kind], bytes) else FOREIGN[kind].encode()
    place, path = tmp_path / 'foreign', tmp_path / 'status.json'
    (place if is_link else path).write_bytes(content)
    if is_link:
        path.symlink_to(place)
    with raises(OutputError):
        StatusFile(path).write('STARTED', 'begin')
    assert path.read_bytes() == content


@pytest.mark.parametrize('content', ['', '\n', '{"date": "1/2/20', '{"status": "SUCCESS"}\n'])
def test_what_a_job_left_goes_on(tmp_path, content):
    path = tmp_path / 'status.json'
    path.write_text(content)
    StatusFile(path).write('STARTED', 'begin')
    assert path.read_text().startswith(content)
    assert json.loads(path.read_text().splitlines()[-1])['message'] == 'begin'
