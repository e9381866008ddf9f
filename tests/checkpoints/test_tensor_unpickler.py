import os
from pathlib import Path

import pytest
import torch

from cpose.checkpoints.tensor_unpickler import tensor_pickle_module


class Command:
    """Runs a command when it is unpickled the usual way."""

    def __init__(self, text):
        self.text = text

    def __reduce__(self):
        return os.system, (self.text,)


class Settings(dict):
    """A dict of a foreign class, filled item by item."""


def load(file, found):
    return torch.load(
        file, pickle_module=tensor_pickle_module(found), weights_only=False, map_location='cpu'
    )


@pytest.mark.parametrize('use_zip', [True, False])
def test_nothing_is_executed(tmp_path, use_zip):
    trace = tmp_path / 'executed'
    file = tmp_path / 'evil.pth'
    content = {'a': torch.arange(3), 'b': Command(f'touch {trace}'), 'c': Settings(x=1)}
    torch.save(content, file, _use_new_zipfile_serialization=use_zip)
    found = set()
    stored = load(file, found)
    assert stored['a'].tolist() == [0, 1, 2]
    assert not trace.exists()
    assert f'{os.system.__module__}.system' in found
    assert any(name.endswith('Settings') for name in found)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16, torch.int64])
def test_tensors_and_parameters_are_read(tmp_path, dtype):
    weight = torch.nn.Parameter(torch.ones(2, 3, dtype=dtype), requires_grad=False)
    torch.save({'weight': weight, 'buffer': weight.data[:, 1]}, tmp_path / 'good.pth')
    found = set()
    stored = load(Path(tmp_path / 'good.pth'), found)
    assert not found
    assert stored['weight'].dtype == dtype
    assert stored['buffer'].shape == (2,)
