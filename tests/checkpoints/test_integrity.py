"""Damaged files, files with code, and weights that are no numbers."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from cpose.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_atomic
from cpose.checkpoints.integrity import CHECKSUM_KEY, check_finite, weights_checksum
from cpose.errors import CheckpointError

from ..user_errors import raises

ATTACKS = Path(__file__).parents[1] / 'data' / 'attacks'
WEIGHTS = {
    'a.weight': torch.arange(500.0),
    'a.count': torch.tensor(3),
    'b.weight': torch.ones(2, 3, 4, 4, dtype=torch.bfloat16).to(memory_format=torch.channels_last),
}


@pytest.fixture
def checkpoint(tmp_path):
    file = tmp_path / 'a.pth'
    save_checkpoint_atomic(file, {'state_dict': WEIGHTS, 'meta': {'epoch': 1}})
    return file


@pytest.mark.parametrize('tensors_only', [False, True])
def test_every_flipped_bit_of_the_weights_is_noticed(checkpoint, tensors_only):
    content = checkpoint.read_bytes()
    start = content.index(WEIGHTS['a.weight'].numpy().tobytes())
    for offset in range(start, start + 2000, 97):
        damaged = bytearray(content)
        damaged[offset] ^= 1 << offset % 8
        checkpoint.write_bytes(damaged)
        with raises(CheckpointError):
            load_checkpoint_file(checkpoint, tensors_only)


def test_flipped_bytes_anywhere_are_noticed_or_change_nothing(checkpoint):
    content = checkpoint.read_bytes()
    noticed = 0
    for offset in range(0, len(content), 61):
        damaged = bytearray(content)
        damaged[offset] ^= 0xFF
        checkpoint.write_bytes(damaged)
        try:
            stored = load_checkpoint_file(checkpoint, tensors_only=True)
        except CheckpointError:
            noticed += 1
            continue
        assert all(stored['state_dict'][key].equal(value) for key, value in WEIGHTS.items())
        assert stored['meta']['epoch'] == 1
    assert noticed > len(content) / 61 / 3


@pytest.mark.parametrize('tensors_only', [False, True])
def test_torchscript_is_never_run(monkeypatch, tensors_only):
    monkeypatch.setattr(torch.jit, 'load', pytest.fail)
    with raises(CheckpointError, 'TorchScript'):
        load_checkpoint_file(ATTACKS / 'torchscript.pth', tensors_only)


def test_torchscript_behind_an_entry_of_weights(checkpoint, monkeypatch):
    """An archive that holds both is refused, too."""
    monkeypatch.setattr(torch.jit, 'load', pytest.fail)
    with zipfile.ZipFile(checkpoint, 'a') as archive:
        name = archive.namelist()[0].partition('/')[0]
        archive.writestr(f'{name}/constants.pkl', b'\x80\x02).')
    with raises(CheckpointError, 'TorchScript'):
        load_checkpoint_file(checkpoint, tensors_only=True)


def test_tar_archives_are_refused(tmp_path):
    with tarfile.open(tmp_path / 'old.pth', 'w') as archive:
        for name in ('storages', 'tensors', 'pickle'):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with raises(CheckpointError, 'tar'):
        load_checkpoint_file(tmp_path / 'old.pth', tensors_only=True)


def test_weights_that_were_changed_after_writing(checkpoint):
    stored = load_checkpoint_file(checkpoint)
    stored['state_dict']['a.weight'][7] += 1
    torch.save(stored, checkpoint)
    with raises(CheckpointError, f'meta.{CHECKSUM_KEY}'):
        load_checkpoint_file(checkpoint)
    del stored['meta'][CHECKSUM_KEY]
    torch.save(stored, checkpoint)
    assert load_checkpoint_file(checkpoint)['state_dict']['a.weight'][7] == 8


def test_the_checksum_knows_names_types_shapes_and_values():
    expected = weights_checksum(WEIGHTS)
    assert weights_checksum(dict(reversed(WEIGHTS.items()))) == expected
    copies = {key: value.clone().contiguous() for key, value in WEIGHTS.items()}
    assert weights_checksum(copies) == expected
    others = [
        {**WEIGHTS, 'a.weight': WEIGHTS['a.weight'].view(20, 25)},
        {**WEIGHTS, 'a.weight': WEIGHTS['a.weight'].view(torch.int32)},
        {**WEIGHTS, 'a.count': torch.tensor(4)},
        {**WEIGHTS, 'c': torch.zeros(0)},
        {key.replace('a.', 'x.'): value for key, value in WEIGHTS.items()},
    ]
    assert len({expected, *map(weights_checksum, others)}) == 6


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32])
def test_values_that_are_no_numbers(value, dtype):
    weights = {'good': torch.ones(3), 'count': torch.tensor(2), 'none': torch.zeros(0)}
    check_finite(weights, 'a.pth')
    weights['bad'] = torch.ones(5, dtype=dtype)
    weights['bad'][3] = value
    with raises(CheckpointError, '(bad)'):
        check_finite(weights, 'a.pth')


ODD_TENSORS = {
    'sparse': lambda: torch.eye(3).to_sparse(),
    'without data': lambda: torch.ones(3, device='meta'),
    'repeated': lambda: torch.ones(1).expand(1 << 40),
}


@pytest.mark.parametrize('kind', ODD_TENSORS)
@pytest.mark.parametrize('place', ['state_dict.w', 'optimizer.state.0.1'])
def test_tensors_that_are_not_stored_value_by_value(tmp_path, kind, place):
    content = ODD_TENSORS[kind]()
    *outer, last = place.split('.')
    content = {last: content} if last != '1' else [0, content]
    for name in reversed(outer):
        content = {name: content}
    torch.save({**content, 'meta': {CHECKSUM_KEY: 'x'}}, tmp_path / 'a.pth')
    with raises(CheckpointError, place, path=tmp_path / 'a.pth'):
        load_checkpoint_file(tmp_path / 'a.pth')
