import hashlib
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cpose.checkpoints.checkpoint_file import load_checkpoint_file, save_checkpoint_atomic
from cpose.checkpoints.integrity import CHECKSUM_KEY
from cpose.checkpoints.safetensors_file import SafetensorsFormat
from cpose.errors import CheckpointError
from cpose.files.encryption_key import KEY_VARIABLE

from ..user_errors import raises

META = {'config_json': '{"model": {}}', 'class_names': ['cup', 'bo×'], 'versions': {'cpose': '1'}}


@pytest.fixture
def file(tmp_path):
    save_file({'weight': torch.arange(4.0)}, tmp_path / 'a.safetensors')
    return tmp_path / 'a.safetensors'


@pytest.mark.parametrize('read', [SafetensorsFormat().read, load_checkpoint_file])
def test_a_file_of_others_is_a_dict_of_tensors(file, read):
    assert read(file)['weight'].tolist() == [0, 1, 2, 3]


def test_cut_off(file):
    file.write_bytes(file.read_bytes()[:-3])
    with raises(CheckpointError):
        load_checkpoint_file(file)


def test_text_with_the_ending(file):
    file.write_text('weights')
    with raises(CheckpointError):
        load_checkpoint_file(file)


@pytest.fixture
def written(tmp_path):
    weight = torch.tensor([[1.5, -2.0], [0.0, 3.0]]).half()
    weights = {'weight': weight, 'turned': weight.t(), 'count': torch.tensor(7)}
    save_checkpoint_atomic(tmp_path / 'b.safetensors', {'state_dict': weights, 'meta': META})
    return tmp_path / 'b.safetensors'


def test_round_trip(written):
    stored = load_checkpoint_file(written)
    assert {key: stored['meta'][key] for key in META} == META
    weights = stored['state_dict']
    assert weights['weight'].dtype == torch.float16
    assert weights['turned'].tolist() == [[1.5, 0.0], [-2.0, 3.0]]
    assert weights['count'].dtype == torch.int64
    assert weights['count'] == 7


def test_other_programs_read_the_metadata(written):
    with safe_open(written, 'pt') as file:
        metadata = file.metadata()
    assert metadata['format'] == 'pt'
    assert json.loads(metadata['cpose.config']) == {'model': {}}
    assert json.loads(metadata['cpose.class_names']) == ['cup', 'bo×']


def test_the_same_content_gives_the_same_bytes(written, tmp_path):
    stored = load_checkpoint_file(written)
    save_checkpoint_atomic(tmp_path / 'c.safetensors', stored)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob('*s')}
    assert len(digests) == 1


def test_changed_weights_are_found(written):
    content = bytearray(written.read_bytes())
    content[-1] ^= 1
    written.write_bytes(content)
    with raises(CheckpointError, CHECKSUM_KEY, path=written):
        load_checkpoint_file(written)


def test_metadata_that_is_no_json(tmp_path):
    save_file({'a': torch.zeros(1)}, tmp_path / 'a.safetensors', {'cpose.class_names': 'cup'})
    with raises(CheckpointError, field='cpose.class_names'):
        load_checkpoint_file(tmp_path / 'a.safetensors')


def test_training_state_has_no_place(tmp_path):
    content = {'state_dict': {}, 'meta': {}, 'optimizer': {}}
    with raises(CheckpointError, 'optimizer'):
        save_checkpoint_atomic(tmp_path / 'a.safetensors', content)
    assert not list(tmp_path.iterdir())


def test_with_a_key_it_is_encrypted(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, 'secret')
    file = tmp_path / 'a.safetensors'
    save_checkpoint_atomic(file, {'state_dict': {'a': torch.ones(2)}, 'meta': META})
    assert b'class_names' not in file.read_bytes()
    assert load_checkpoint_file(file)['state_dict']['a'].tolist() == [1, 1]
    monkeypatch.delenv(KEY_VARIABLE)
    with raises(CheckpointError, path=file):
        load_checkpoint_file(file)
