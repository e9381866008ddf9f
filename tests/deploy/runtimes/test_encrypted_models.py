"""Exported models that are encrypted: read and run with the key only."""

import pytest
import torch

from cpose.deploy.model_metadata import load_onnx, read_metadata
from cpose.deploy.runtimes.onnx_runtime import OnnxRuntime
from cpose.errors import CheckpointError, ConfigError
from cpose.files.encrypted_file import MEMORY_FOLDER, is_encrypted, scratch_folder
from cpose.files.encryption_key import HOW_TO_GIVE, use_key
from cpose.files.model_files import write_model_atomic

from ...user_errors import raises

pytest.importorskip('cryptography')


@pytest.fixture
def sealed(folder, tmp_path):
    file = tmp_path / 'tiny.onnx'
    with use_key('secret'):
        write_model_atomic(file, (folder / 'tiny.onnx').read_bytes())
    return file


@pytest.mark.slow
def test_file_tells_nothing(sealed):
    assert is_encrypted(sealed)
    assert b'kps_heatmap_mean' not in sealed.read_bytes()
    assert [file.name for file in sealed.parent.iterdir()] == ['tiny.onnx']


@pytest.mark.slow
def test_same_outputs_with_the_key(sealed, folder):
    with use_key('secret'):
        runtime = OnnxRuntime(str(sealed), 'cpu')
        model, metadata = load_onnx(sealed)
        assert read_metadata(sealed) == metadata == read_metadata(folder / 'tiny.onnx')
    assert len(model.graph.node) > 10
    width, height = metadata.input_wh
    images = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    expected = OnnxRuntime(str(folder / 'tiny.onnx'), 'cpu')(images)
    for name, value in runtime(images).items():
        assert value.equal(expected[name]), name


@pytest.mark.slow
@pytest.mark.parametrize('key', ['', 'other'])
def test_without_the_key(sealed, key):
    for read in (read_metadata, load_onnx, lambda path: OnnxRuntime(str(path), 'cpu')):
        with use_key(key), raises(CheckpointError, path=sealed, advice=(HOW_TO_GIVE,)):
            read(sealed)


def test_helper_files_are_in_memory_with_a_key(monkeypatch, tmp_path):
    with scratch_folder() as plain:
        assert not plain.startswith(MEMORY_FOLDER)
    with use_key('secret'), scratch_folder() as hidden:
        assert hidden.startswith(MEMORY_FOLDER)
    monkeypatch.setattr('cpose.files.encrypted_file.MEMORY_FOLDER', str(tmp_path / 'none'))
    with (
        use_key('secret'),
        raises(ConfigError, path=tmp_path / 'none'),
        scratch_folder(),
    ):
        pass
