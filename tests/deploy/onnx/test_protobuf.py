import onnx
import pytest

from cpose.deploy.onnx.protobuf import read_proto
from cpose.errors import CheckpointError
from cpose.files.encrypted_file import sealed_bytes
from cpose.files.encryption_key import use_key


def test_plain_and_encrypted_files(tmp_path):
    graph = onnx.helper.make_graph([], 'empty', [], [])
    content = onnx.helper.make_model(graph).SerializeToString()
    file = tmp_path / 'a.onnx'
    file.write_bytes(content)
    assert read_proto(file).SerializeToString() == content
    with use_key('secret'):
        file.write_bytes(sealed_bytes(content))
        assert read_proto(str(file)).SerializeToString() == content
    with pytest.raises(CheckpointError, match=r'a\.onnx is encrypted and no key is given'):
        read_proto(file)


def test_files_that_cannot_be_read(tmp_path):
    file = tmp_path / 'a.onnx'
    with pytest.raises(CheckpointError, match=r'There is no file .*a\.onnx'):
        read_proto(file)
    file.write_bytes(b'no protocol buffer')
    with pytest.raises(CheckpointError, match='is not a complete ONNX file'):
        read_proto(file)
