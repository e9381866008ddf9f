"""A run with an encryption key: nothing plain on disk at any time, and it resumes."""

import os
from pathlib import Path

import pytest
import torch

from cpose.checkpoints.checkpoint_file import find_resume_checkpoint, load_checkpoint_file
from cpose.errors import CheckpointError
from cpose.files.encrypted_file import is_encrypted
from cpose.files.encryption_key import HOW_TO_GIVE, use_key

from ..user_errors import raises
from .toy_training import read_losses

pytest.importorskip('cryptography')

KEY = 'a key that nobody must see'
ONE_EPOCH = {'train_cfg.max_epochs': 1}


def files_in(folder):
    return [file for file in Path(folder).rglob('*') if file.is_file()]


@pytest.fixture
def only_sealed(monkeypatch, tmp_path):
    """Look at what is on disk whenever a file is made durable."""
    seen = []

    def look(descriptor):
        for file in files_in(tmp_path):
            data = file.read_bytes()
            assert not data.startswith(b'PK')
            assert b'state_dict' not in data
            seen.append(file.name)

    monkeypatch.setattr(os, 'fsync', look)
    return seen


@pytest.mark.slow
def test_nothing_plain_and_no_key_on_disk(build_runner, tmp_path, only_sealed):
    with use_key(KEY):
        runner = build_runner(ONE_EPOCH)
        runner.train()
    assert any(name.startswith('.epoch_1.pth.') for name in only_sealed)
    checkpoints = [file for file in files_in(tmp_path) if file.suffix == '.pth']
    assert len(checkpoints) == 2
    assert all(is_encrypted(file) for file in checkpoints)
    for file in files_in(tmp_path):
        assert KEY.encode() not in file.read_bytes(), file


@pytest.mark.slow
def test_key_is_needed_and_enough(build_runner):
    with use_key(KEY):
        runner = build_runner(ONE_EPOCH)
        runner.train()
        stored = load_checkpoint_file(runner.last_checkpoint)
    weights = runner.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in stored['state_dict'].items())
    with raises(CheckpointError, advice=(HOW_TO_GIVE,)):
        load_checkpoint_file(runner.last_checkpoint)
    with use_key('wrong'), raises(CheckpointError, advice=(HOW_TO_GIVE,)):
        load_checkpoint_file(runner.last_checkpoint)


def test_pickled_objects_inside_are_still_refused(tmp_path):
    from cpose.files.encrypted_file import protected

    file = tmp_path / 'evil.pth'
    with use_key(KEY):
        with file.open('wb') as stream, protected(stream) as sealed:
            torch.save({'weight': torch.ones(2), 'extra': Path('x')}, sealed)
        with raises(CheckpointError, 'pickled'):
            load_checkpoint_file(file)
        assert load_checkpoint_file(file, tensors_only=True)['weight'].tolist() == [1, 1]


@pytest.mark.slow
def test_resume_gives_the_same_losses(build_runner, tmp_path):
    two = {'train_cfg.max_epochs': 2}
    build_runner(two, 'whole').train()
    with use_key(KEY):
        build_runner(ONE_EPOCH).train()
        newest = find_resume_checkpoint(tmp_path / 'run')
        build_runner({**two, 'load_from': str(newest), 'resume': True}).train()
    whole = read_losses(tmp_path / 'whole/losses.jsonl')
    assert len(whole) == 12
    assert read_losses(tmp_path / 'run/losses.jsonl') == whole


@pytest.mark.slow
def test_incomplete_checkpoint_is_skipped_without_the_key(build_runner, tmp_path):
    with use_key(KEY):
        build_runner({'train_cfg.max_epochs': 2}).train()
    newest = find_resume_checkpoint(tmp_path / 'run')
    assert newest.name == 'epoch_2.pth'
    newest.write_bytes(newest.read_bytes()[:-1])
    assert find_resume_checkpoint(tmp_path / 'run').name == 'epoch_1.pth'
