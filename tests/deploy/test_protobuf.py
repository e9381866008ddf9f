import onnx

from cpose.deploy.model_metadata import read_proto
from cpose.errors import CheckpointError
from cpose.files.encrypted_file import sealed_bytes
from cpose.files.encryption_key import use_key

from ..user_errors import raises


def test_plain_and_encrypted_files(tmp_path):
    graph = onnx.helper.make_graph([], 'empty', [], [])
    content = onnx.helper.make_model(graph).SerializeToString()
    file = tmp_path / 'a.onnx'
    file.write_bytes(content)
    assert read_proto(file).SerializeToString() == content
    with use_key('secret'):
        file.write_bytes(sealed_bytes(content))
        assert read_proto(str(file)).SerializeToString() == content
    with raises(CheckpointError, path=file):
        read_proto(file)


def test_files_that_cannot_be_read(tmp_path):
    file = tmp_path / 'a.onnx'
    with raises(CheckpointError, path=tmp_path / 'a.onnx'):
        read_proto(file)
    file.write_bytes(b'no protocol buffer')
    with raises(CheckpointError, path=file):
        read_proto(file)
