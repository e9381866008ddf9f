import pytest
import torch
from safetensors.torch import save_file

from cpose.checkpoints.checkpoint_file import load_checkpoint_file, read_safetensors
from cpose.errors import CheckpointError

from ..user_errors import raises


@pytest.fixture
def file(tmp_path):
    save_file({'weight': torch.arange(4.0)}, tmp_path / 'a.safetensors')
    return tmp_path / 'a.safetensors'


@pytest.mark.parametrize('read', [read_safetensors, load_checkpoint_file])
def test_reads_tensors(file, read):
    assert read(file)['weight'].tolist() == [0, 1, 2, 3]


def test_cut_off(file):
    file.write_bytes(file.read_bytes()[:-3])
    with raises(CheckpointError):
        load_checkpoint_file(file)


def test_text_with_the_ending(file):
    file.write_text('weights')
    with raises(CheckpointError):
        load_checkpoint_file(file)
