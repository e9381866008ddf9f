import errno
import os

from cpose.errors import OutputError
from cpose.files.model_files import check_new_file, replaced_at_end, write_bytes_atomic

from ..user_errors import raises


def test_written_and_replaced(tmp_path):
    file = tmp_path / 'a.onnx'
    for content in (b'first', b'second'):
        write_bytes_atomic(file, content)
        assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_keeps_its_place_until_the_end(tmp_path):
    file = tmp_path / 'a.engine'
    file.write_bytes(b'old')
    with raises(OutputError, 'another file'), replaced_at_end(file, b'new'):
        raise OutputError('another file')
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b'old']
    with replaced_at_end(file, b'new'):
        assert file.read_bytes() == b'old'
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b'new']


def test_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / 'a.onnx'
    file.write_bytes(b'old')

    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'fsync', fail)
    with raises(OutputError, 'No space left', path=file):
        write_bytes_atomic(file, b'new')
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b'old']


def test_refused_before_the_work(tmp_path, monkeypatch):
    file = tmp_path / 'a.onnx'
    check_new_file(file, may_replace=False)
    file.write_bytes(b'')
    check_new_file(file, may_replace=True)
    with raises(OutputError, argument='out', path=file) as caught:
        check_new_file(file, may_replace=False)
    assert '{force}' in ' '.join(caught.value.advice)
    with raises(OutputError, argument='out', path=tmp_path):
        check_new_file(tmp_path, may_replace=True)
    with raises(OutputError, str(tmp_path / 'nowhere')):
        check_new_file(tmp_path / 'nowhere' / 'a.onnx', may_replace=False)
    monkeypatch.setattr(os, 'access', lambda *values: False)
    with raises(OutputError, path=tmp_path / 'b.onnx'):
        check_new_file(tmp_path / 'b.onnx', may_replace=False)
