import errno
import os
import pickle
import resource
from pathlib import Path

import pytest
import torch

from cpose.checkpoints.checkpoint_file import (
    LAST_CHECKPOINT,
    find_resume_checkpoint,
    load_checkpoint_file,
    save_checkpoint_atomic,
)
from cpose.checkpoints.integrity import CHECKSUM_KEY
from cpose.errors import CheckpointError, OutputError
from cpose.files.outputs import note_input, outputs_guarded

from ..user_errors import raises

CONTENT = {'state_dict': {'weight': torch.arange(4.0)}, 'meta': {'epoch': 3, 'name': 'x'}}


@pytest.fixture
def checkpoint(tmp_path):
    file = tmp_path / 'epoch_1.pth'
    save_checkpoint_atomic(file, CONTENT)
    return file


def test_round_trip(checkpoint):
    stored = load_checkpoint_file(checkpoint)
    assert stored['meta'] == {**CONTENT['meta'], CHECKSUM_KEY: stored['meta'][CHECKSUM_KEY]}
    assert stored['state_dict']['weight'].equal(CONTENT['state_dict']['weight'])
    assert [file.name for file in checkpoint.parent.iterdir()] == ['epoch_1.pth']


def test_new_folders_are_made(tmp_path):
    save_checkpoint_atomic(tmp_path / 'a/b/c.pth', CONTENT)
    assert load_checkpoint_file(tmp_path / 'a/b/c.pth')['meta']['epoch'] == 3


def fail_with(number):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_failing_system_call_leaves_the_old_file(checkpoint, monkeypatch, call):
    before = checkpoint.read_bytes()
    monkeypatch.setattr(os, call, fail_with(errno.ENOSPC))
    with raises(OutputError, 'No space left on device'):
        save_checkpoint_atomic(checkpoint, {'state_dict': {'weight': torch.zeros(100)}})
    monkeypatch.undo()
    assert checkpoint.read_bytes() == before
    assert len(list(checkpoint.parent.iterdir())) == 1


def test_full_disk_during_writing_leaves_the_old_file(checkpoint):
    before = checkpoint.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with raises(OutputError, 'File too large'):
            save_checkpoint_atomic(checkpoint, {'weight': torch.zeros(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert checkpoint.read_bytes() == before
    assert len(list(checkpoint.parent.iterdir())) == 1


def test_error_that_is_not_of_the_disk_is_not_hidden(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError('a bug')

    monkeypatch.setattr(torch, 'save', fail)
    with pytest.raises(RuntimeError, match='a bug') as caught:
        save_checkpoint_atomic(tmp_path / 'a.pth', CONTENT)
    assert not isinstance(caught.value, OutputError)


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickled_objects_are_named_and_not_loaded(tmp_path):
    file = tmp_path / 'evil.pth'
    torch.save({'weight': torch.ones(2), 'extra': Evil(tmp_path / 'made')}, file)
    with raises(CheckpointError, 'posix.mkdir'):
        load_checkpoint_file(file)
    assert load_checkpoint_file(file, tensors_only=True)['weight'].tolist() == [1, 1]
    assert not (tmp_path / 'made').exists()


def write_truncated(file):
    save_checkpoint_atomic(file, {'weight': torch.zeros(10_000)})
    file.write_bytes(file.read_bytes()[:20_000])


def write_evil_pickle(file):
    file.write_bytes(pickle.dumps(Evil(file.with_name('made'))))


BROKEN = {
    'missing': (lambda file: None, ''),
    'folder': (lambda file: file.mkdir(), ''),
    'empty': (lambda file: file.touch(), '(0 bytes)'),
    'truncated': (write_truncated, '20000 bytes'),
    'text': (lambda file: file.write_text('these are no weights'), ''),
    'binary': (lambda file: file.write_bytes(bytes(range(256))), ''),
    'pickle': (write_evil_pickle, ''),
    'tensor': (lambda file: torch.save(torch.ones(2), file), 'Tensor'),
}


@pytest.mark.parametrize('kind', BROKEN)
def test_broken_files_are_errors_of_the_user(tmp_path, kind):
    write, fact = BROKEN[kind]
    file = tmp_path / 'broken.pth'
    write(file)
    with raises(CheckpointError, fact, path=file):
        load_checkpoint_file(file)
    assert not (tmp_path / 'made').exists()


def test_nothing_to_resume(tmp_path):
    assert find_resume_checkpoint(tmp_path) is None
    assert find_resume_checkpoint(tmp_path / 'missing') is None


def test_resume_from_the_named_checkpoint(tmp_path, checkpoint):
    save_checkpoint_atomic(tmp_path / 'iter_9.pth', CONTENT)
    os.utime(checkpoint, (0, 0))
    assert find_resume_checkpoint(tmp_path).name == 'iter_9.pth'
    (tmp_path / LAST_CHECKPOINT).write_text(str(checkpoint))
    assert find_resume_checkpoint(tmp_path) == checkpoint


def test_resume_in_a_moved_folder(tmp_path, checkpoint):
    (tmp_path / LAST_CHECKPOINT).write_text('/somewhere/else/epoch_1.pth')
    assert find_resume_checkpoint(tmp_path) == checkpoint


@pytest.mark.parametrize('content', [b'\xff\xfe\x00\x81', 'epoch_7.pth'.encode('utf-16')])
def test_resume_beside_a_pointer_that_is_no_text(tmp_path, checkpoint, content):
    (tmp_path / LAST_CHECKPOINT).write_bytes(content)
    assert find_resume_checkpoint(tmp_path) == checkpoint


def test_resume_skips_what_is_incomplete_or_weights_only(tmp_path, checkpoint):
    write_truncated(tmp_path / 'epoch_2.pth')
    save_checkpoint_atomic(tmp_path / 'best_AP50_3DIoU_epoch_1.pth', CONTENT)
    (tmp_path / LAST_CHECKPOINT).write_text(str(tmp_path / 'epoch_2.pth'))
    with pytest.warns(UserWarning, match='epoch_2') as told:
        assert find_resume_checkpoint(tmp_path) == checkpoint
    assert len(told) == 1


@pytest.mark.parametrize('name', ['a.pth', 'a.safetensors'])
def test_a_file_that_may_not_be_read(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b'content')

    def refuse(path, mode):
        raise PermissionError(errno.EACCES, 'Permission denied')

    monkeypatch.setattr(Path, 'open', refuse)
    with raises(CheckpointError, 'Permission denied', path=tmp_path / name):
        load_checkpoint_file(tmp_path / name)


def test_a_refusal_to_replace_an_input_is_told_as_it_is(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_bytes(b'input')
    with outputs_guarded():
        note_input(path)
        with raises(OutputError, 'never replaces an input', path=path):
            save_checkpoint_atomic(path, {'state_dict': {}})
    assert path.read_bytes() == b'input'
