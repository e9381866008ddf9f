import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from cpose.errors import OutputError
from cpose.files.atomic import atomic_file, remove_unfinished, write_text_atomic

from ..user_errors import raises


def test_whole_text_and_pieces(tmp_path):
    write_text_atomic(tmp_path / 'a/b/text', 'one\ntwö\n')
    write_text_atomic(tmp_path / 'a/b/text', (word for word in ('one\n', 'three\n')))
    assert (tmp_path / 'a/b/text').read_text(encoding='utf-8') == 'one\nthree\n'
    assert [file.name for file in (tmp_path / 'a/b').iterdir()] == ['text']


def test_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = tmp_path / 'pointer'
    write_text_atomic(file, 'old')
    monkeypatch.setattr(os, 'fsync', fail)
    with raises(OutputError, 'No space left', path=file):
        write_text_atomic(file, 'new')
    with raises(OutputError, advice=('Continue.',)):
        write_text_atomic(file, 'new', 'Continue.')
    assert file.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [file]


def test_interrupted_writing_keeps_the_old_file(tmp_path):
    file = tmp_path / 'file'
    file.write_text('old')

    def parts():
        yield 'new'
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_text_atomic(file, parts())
    assert file.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize('place', ['.', 'file/below'])
def test_places_that_are_no_file(tmp_path, place):
    (tmp_path / 'file').touch()
    with raises(OutputError, path=tmp_path / place):
        write_text_atomic(tmp_path / place, 'text')


def test_devices_are_written_directly():
    write_text_atomic('/dev/null', 'text')


def test_what_killed_runs_left_is_removed(tmp_path):
    (tmp_path / '.epoch_2.pth.0123abcd.unfinished').write_bytes(b'half')
    with atomic_file(tmp_path / 'a') as file:
        file.write(b'whole')
        remove_unfinished(tmp_path)
        (unfinished,) = tmp_path.iterdir()
        assert re.fullmatch(r'\.a\.[0-9a-f]{8}\.unfinished', unfinished.name)
    assert list(tmp_path.iterdir()) == [tmp_path / 'a']


def test_several_write_the_same_file(tmp_path):
    file = tmp_path / 'a.txt'
    texts = [letter * 100_000 for letter in 'abcd']
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda text: [write_text_atomic(file, text) for _ in range(50)], texts))
    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]
