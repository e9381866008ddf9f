import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from cpose.errors import (
    CheckpointError,
    ConfigError,
    OutputError,
    TrainingError,
    TrainingInterruptedError,
)
from cpose.files.encryption_key import use_key
from cpose.tao.jobs.status import JobStoppedError, failure_message, job_status


def lines(folder):
    return [json.loads(line) for line in (folder / 'status.json').read_text().splitlines()]


def ends(folder):
    return [(line['status'], line['message']) for line in lines(folder)]


def test_success_says_so(tmp_path):
    with job_status(tmp_path / 'evaluate', 'evaluate') as status:
        status.write('Test metrics generated.', {'test_3DIoU': '0.5'})
    found = lines(tmp_path / 'evaluate')
    assert [line['status'] for line in found] == ['STARTED', 'RUNNING', 'SUCCESS']
    assert found[-1]['message'] == 'Evaluate finished successfully.'
    assert found[-1]['kpi'] == {'test_3DIoU': '0.5'}


FAILURES = [
    (ConfigError('train.lr=-1'), 'Configuration error: train.lr=-1'),
    (NotImplementedError('no'), 'Feature not implemented: no'),
    (ValueError('too small'), 'Parameter validation error: too small'),
    (FileNotFoundError(2, 'No such file', 'x.pth'), 'File system error: [Errno 2]'),
    (CheckpointError('x.pth does not exist'), 'File system error: x.pth'),
    (OutputError('full'), 'File system error: full'),
    (TrainingError('the loss is not finite'), 'Training error: the loss'),
    (RuntimeError('CUDA out of memory'), 'RuntimeError: CUDA out of memory'),
    (KeyError('name'), "KeyError: 'name'"),
    (AssertionError(), 'AssertionError: AssertionError'),
    (KeyboardInterrupt(), 'User/System interruption: KeyboardInterrupt'),
    (SystemExit(3), 'User/System interruption: 3'),
    (JobStoppedError(15), 'User/System interruption: signal SIGTERM'),
    (TrainingInterruptedError(2, 7, 'a.pth'), 'User/System interruption: Training stopped'),
]


@pytest.mark.parametrize(('error', 'message'), FAILURES, ids=lambda item: type(item).__name__)
def test_every_failure_is_recorded_and_goes_on(tmp_path, error, message):
    with pytest.raises(type(error)) as caught, job_status(tmp_path, 'train'):
        raise error
    assert caught.value is error
    _, failed = lines(tmp_path)
    assert (failed['status'], failed['verbosity']) == ('FAILURE', 'ERROR')
    assert failed['message'].startswith(message)


def test_what_the_schema_refuses_has_its_prefix():
    class ValidationError(ValueError):
        pass

    error = ConfigError('line 3')
    error.__cause__ = ValidationError('x')
    assert failure_message(error) == 'Schema validation error: line 3'


def test_key_in_a_failure_is_hidden(tmp_path):
    with use_key('secret'), pytest.raises(ConfigError), job_status(tmp_path, 'train'):
        raise ConfigError('encryption_key=secret')
    assert lines(tmp_path)[-1]['message'].endswith('encryption_key=***')


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_signals_are_recorded_and_given_back(tmp_path, number):
    before = signal.getsignal(number)
    with pytest.raises(JobStoppedError) as caught, job_status(tmp_path, 'export'):
        os.kill(os.getpid(), number)
    assert caught.value.code == 128 + number
    assert signal.getsignal(number) == before
    assert ends(tmp_path)[-1] == (
        'FAILURE',
        f'User/System interruption: signal {number.name}',
    )


JOB = """
    import sys
    from cpose.tao.jobs.status import job_status
    with job_status(sys.argv[1], 'train') as status:
        for number in range(100000):
            status.write('working', {'number': number}, filler='x' * 500)
            if number == 20:
                print('ready', flush=True)
"""


def start(tmp_path):
    command = [sys.executable, '-c', textwrap.dedent(JOB), str(tmp_path)]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert job.stdout.readline() == 'ready\n'
    return job


def test_kill_leaves_whole_lines_and_the_next_job_tells(tmp_path):
    job = start(tmp_path)
    job.kill()
    job.wait()
    job.stdout.close()
    assert lines(tmp_path)[-1]['status'] == 'RUNNING'
    with job_status(tmp_path, 'train'):
        pass
    *_, failed, started, success = ends(tmp_path)
    assert failed[0] == 'FAILURE'
    assert 'ended without a word' in failed[1]
    assert (started[0], success[0]) == ('STARTED', 'SUCCESS')


def test_job_that_still_runs_is_not_called_dead(tmp_path):
    (tmp_path / 'status.json').write_text('{"status": "RUNNING"}\n')
    with (tmp_path / 'status.json').open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with job_status(tmp_path, 'evaluate'):
            pass
    assert [line['status'] for line in lines(tmp_path)] == ['RUNNING', 'STARTED', 'SUCCESS']


def test_other_processes_of_a_job_only_tell_of_failures(tmp_path, monkeypatch):
    monkeypatch.setenv('RANK', '1')
    with job_status(tmp_path, 'train'):
        pass
    assert lines(tmp_path) == []
    with pytest.raises(RuntimeError), job_status(tmp_path, 'train'):
        raise RuntimeError('lost')
    assert ends(tmp_path) == [('FAILURE', 'Process 1: RuntimeError: lost')]


def fail_on_a_full_disk(folder, monkeypatch):
    with job_status(folder, 'train'):
        monkeypatch.setattr(os, 'write', lambda *args: 0)
        raise RuntimeError('the real one')


def test_failure_counts_more_than_a_full_disk(tmp_path, monkeypatch, capsys):
    with pytest.raises(RuntimeError, match='the real one'):
        fail_on_a_full_disk(tmp_path, monkeypatch)
    assert 'the disk is full' in capsys.readouterr().err
