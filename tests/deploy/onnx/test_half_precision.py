import onnx
import pytest

from cpose.cli.main import main
from cpose.deploy.onnx.graph_parts import decoder_nodes
from cpose.deploy.onnx.graph_passes import convert_to_half

from ..networks import tiny


@pytest.mark.slow
def test_decoder_stays_in_full_precision():
    graph, *_ = tiny(opset=17)
    before = graph.SerializeToString()
    half = convert_to_half(graph)
    assert graph.SerializeToString() == before
    weights = {item.name: item.data_type for item in half.graph.initializer}
    kinds = {
        node.op_type: weights[node.input[1]] for node in half.graph.node if node.op_type == 'Conv'
    }
    assert kinds == {'Conv': onnx.TensorProto.FLOAT16}
    decoder = set(decoder_nodes(graph))
    casts = [
        node for node in half.graph.node if node.op_type == 'Cast' and node.name not in decoder
    ]
    assert casts
    for node in half.graph.node:
        if node.name in decoder:
            halves = [n for n in node.input if weights.get(n) == onnx.TensorProto.FLOAT16]
            assert not halves, node.name


def test_the_graph_is_valid_and_no_value_of_the_decoder_is_stored_in_half():
    graph, *_ = tiny(opset=17)
    half = convert_to_half(graph)
    onnx.checker.check_model(half, full_check=True)
    decoder = set(decoder_nodes(graph))
    values = {name for node in half.graph.node if node.name in decoder for name in node.output}
    to_half = [
        node.input[0]
        for node in half.graph.node
        if node.op_type == 'Cast' and node.attribute[0].i == onnx.TensorProto.FLOAT16
    ]
    assert to_half
    assert not values.intersection(to_half)


@pytest.mark.slow
def test_the_shipped_model_is_exported(tmp_path):
    out = tmp_path / 'cuboid.onnx'
    assert main(['export-onnx', '--model', 'cuboid', '--half', '--opset=17', f'--out={out}']) == 0
    kinds = {weight.data_type for weight in onnx.load(out).graph.initializer if weight.dims}
    assert onnx.TensorProto.FLOAT16 in kinds
