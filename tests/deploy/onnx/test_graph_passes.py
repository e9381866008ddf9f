import onnx
import pytest
from onnx import helper

from cpose.deploy.onnx.graph_passes import (
    check_contract,
    keep_outputs,
    remove_traces,
    set_shapes,
    with_outputs,
)
from cpose.errors import ConfigError

from ...user_errors import raises
from ..contract import OUTPUT_SIZES
from ..networks import shapes


def make_model(domain='', opset=17):
    """Return input → a → bboxes, with ``a`` as an output too."""
    image = helper.make_tensor_value_info('input', onnx.TensorProto.FLOAT, ['n', 3, 8, 8])
    outputs = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ['n', 'u', 4])
        for name in ('bboxes', 'a')
    ]
    shape = onnx.numpy_helper.from_array(onnx.numpy_helper.np.array([-1, 48, 4]), 'shape')
    nodes = [
        helper.make_node('Reshape', ['input', 'shape'], ['a'], doc_string='/home/me/x.py'),
        helper.make_node('Relu', ['a'], ['bboxes'], domain=domain),
    ]
    graph = helper.make_graph(nodes, 'g', [image], outputs, [shape])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)], ir_version=9)


@pytest.mark.parametrize(('batch', 'first'), [(None, 'batch_size'), (4, 4)])
def test_shapes(batch, first):
    model = make_model()
    keep_outputs(model, ['bboxes'])
    set_shapes(model, batch, (8, 8), {'input': 3}, 48, OUTPUT_SIZES)
    assert shapes(model.graph.input) == {'input': (first, 3, 8, 8)}
    assert shapes(model.graph.output) == {'bboxes': (first, 48, 4)}


def test_outputs():
    model = make_model()
    keep_outputs(model, ['bboxes'])
    assert list(shapes(model.graph.output)) == ['bboxes']
    probe = with_outputs(model, ['a'])
    assert [item.name for item in probe.graph.output] == ['bboxes', 'a']
    assert list(shapes(model.graph.output)) == ['bboxes']


def test_traces():
    model = make_model()
    model.graph.node[1].metadata_props.add(key='stack', value='/home/me/x.py')
    remove_traces(model)
    assert b'/home/me' not in model.SerializeToString()


def test_contract():
    check_contract(make_model(), 17)
    with raises(ConfigError, "'ai.onnx': 17", argument='opset', value=18):
        check_contract(make_model(), 18)
    with raises(ConfigError, 'mine.Relu'):
        check_contract(make_model('mine'), 17)
