import onnx
import pytest

from cpose.deploy.model_metadata import load_onnx, static_batch_of
from cpose.errors import CheckpointError

from ..user_errors import raises
from .small_models import small_metadata, small_model, write_small_model


def test_a_file_comes_back_with_its_metadata(tmp_path):
    model, metadata = load_onnx(write_small_model(tmp_path / 'a.onnx', precision='fp16'))
    assert metadata == small_metadata(precision='fp16')
    assert len(model.graph.node) == len(small_model()[0].graph.node)


@pytest.mark.slow
@pytest.mark.parametrize('batch', [None, 3])
def test_the_batch_size(batch):
    assert static_batch_of(small_model(batch)[0]) == batch


def test_other_files_are_refused(tmp_path):
    file = tmp_path / 'a.onnx'
    model = small_model()[0]
    model.graph.output[0].name = 'boxes'
    onnx.save(model, str(file))
    with raises(CheckpointError, 'boxes, scores'):
        load_onnx(file)
