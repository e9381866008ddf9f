"""What stdout and stderr are is no reason to lose results or to end."""

import errno
import io
import os
import subprocess
import sys

import pytest

from cpose.cli.command_process import LastingStream, lasting_output, lost_output

COMMAND = [sys.executable, '-m', 'cpose.cli.main', 'print-config', 'dla34_bike']


class Failing(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error


@pytest.mark.parametrize(
    ('error', 'is_lost'),
    [
        (BrokenPipeError(), False),
        (OSError(errno.ENOSPC, 'No space left on device'), True),
        (ValueError('I/O operation on closed file'), True),
    ],
)
def test_errors_of_the_stream_are_remembered(error, is_lost):
    stream = LastingStream(Failing(error))
    assert stream.write('abc') == 3
    stream.flush()
    assert stream.failure is error
    assert (lost_output(stream) == str(error)) == is_lost


def test_streams_are_replaced_and_restored(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, 'stdout', out)
    monkeypatch.setattr(sys, 'stderr', None)
    with lasting_output() as (stream, _):
        sys.stdout.write('text')
        sys.stderr.write('nowhere')
        assert not sys.stdout.isatty()
        assert stream.failure is None
    assert sys.stdout is out
    assert out.getvalue() == 'text'


def run(**kwargs):
    return subprocess.run(COMMAND, check=False, stderr=subprocess.PIPE, text=True, **kwargs)


@pytest.mark.slow
def test_a_reader_that_goes_away():
    reader, writer = os.pipe()
    os.close(reader)
    done = run(stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='only Linux has /dev/full')
def test_a_full_disk_is_told():
    with open('/dev/full', 'w') as full:
        done = run(stdout=full)
    assert done.returncode == 1
    assert 'No space left' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.slow
def test_closed_streams():
    done = subprocess.run(
        ['sh', '-c', '"$@" >&- 2>&-', 'sh', *COMMAND], check=False, capture_output=True
    )
    assert done.returncode == 0


def test_characters_that_the_encoding_lacks():
    code = 'from cpose.cli.command_process import *\nwith lasting_output(): print("3×4")'
    done = subprocess.run(
        [sys.executable, '-c', code],
        check=True,
        capture_output=True,
        env={**os.environ, 'PYTHONIOENCODING': 'ascii'},
    )
    assert done.stdout == b'3\\xd74\n'
