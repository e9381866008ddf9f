import pytest

from cpose.deploy.engines.engine_file import check_for_engine, check_precision
from cpose.errors import CheckpointError

from ...user_errors import raises
from ..small_models import small_metadata, small_model


def test_a_plain_file_passes():
    check_for_engine(*small_model(), 'model.onnx')


def test_deformable_convolutions_are_refused_by_name():
    model, metadata = small_model()
    nodes = [node for node in model.graph.node if node.op_type == 'Conv'][:5]
    for node in nodes:
        node.op_type = 'DeformConv'
    listed = ', '.join(node.name for node in nodes[:3])
    with pytest.raises(CheckpointError) as error:
        check_for_engine(model, metadata, 'model.onnx')
    assert f'5 DeformConv nodes ({listed} and 2 more)' in str(error.value)


def test_files_for_onnx_runtime_are_refused():
    with raises(CheckpointError, 'ort', path='a.onnx'):
        check_for_engine(*small_model(precision='int8', quantize_target='ort'), 'a.onnx')
    check_for_engine(*small_model(precision='int8', quantize_target='tensorrt'), 'a.onnx')


@pytest.mark.parametrize(('stored', 'wanted'), [('fp16', 'fp32'), ('int8', 'fp16')])
def test_a_precision_is_not_undone(stored, wanted):
    with raises(CheckpointError, stored, argument='precision', value=wanted):
        check_precision(wanted, small_metadata(precision=stored), 'a.onnx')
    check_precision(stored, small_metadata(precision=stored), 'a.onnx')
