import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cpose.deploy.onnx.graph_parts import (
    decoder_nodes,
    float_nodes,
    last_weighted_nodes,
    match_nodes,
    name_nodes,
    offset_nodes,
    prepare_graph,
    quantizable_nodes,
    raw_map_names,
)
from cpose.errors import ConfigError

from ...user_errors import raises


def small_graph():
    """Two branches after a gate that multiplies, as an association step has; then a decoder."""
    nodes = [
        helper.make_node('Conv', ['input', 'w'], ['a'], name='stem'),
        helper.make_node('Sigmoid', ['a'], ['gate'], name='gate'),
        helper.make_node('Mul', ['a', 'gate'], ['b'], name='gated'),
        helper.make_node('Identity', ['w'], ['w_again']),
        helper.make_node('Conv', ['b', 'w_again'], ['hm'], name='hm'),
        helper.make_node('Conv', ['b', 'w'], ['wh']),
        helper.make_node('Add', ['hm', 'wh'], ['sum'], name='decode'),
        helper.make_node('Sigmoid', ['sum'], ['scores']),
    ]
    value = helper.make_tensor_value_info('input', TensorProto.FLOAT, ['n', 1, 4, 4])
    result = helper.make_tensor_value_info('scores', TensorProto.FLOAT, ['n', 1, 4, 4])
    weight = numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), 'w')
    graph = helper.make_graph(nodes, 'g', [value], [result], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)])


def test_unnamed_nodes_get_names_of_their_own():
    model = small_graph()
    model.graph.node[3].name = 'Conv_5'
    name_nodes(model)
    names = [node.name for node in model.graph.node]
    assert names[5] == 'Conv_5_'
    assert names[:3] == ['stem', 'gate', 'gated']
    assert len(set(names)) == len(names)


def test_the_decoder_begins_behind_the_last_convolutions():
    model = prepare_graph(small_graph())
    assert [node.op_type for node in last_weighted_nodes(model)] == ['Conv', 'Conv']
    assert raw_map_names(model) == ['hm', 'wh']
    assert decoder_nodes(model) == ['decode', 'Sigmoid_6']
    assert float_nodes(model) == ['hm', 'Conv_4', 'decode', 'Sigmoid_6']
    assert quantizable_nodes(model, ('Conv', 'Add')) == ['stem']


def test_constants_are_added_in_float():
    model = small_graph()
    offset = [
        helper.make_node('Add', ['gate', 'w'], ['shifted'], name='offset'),
        helper.make_node('Add', ['shifted', 'a'], ['gate_again'], name='residual'),
    ]
    model.graph.node[2].input[1] = 'gate_again'
    for place, node in enumerate(offset, start=2):
        model.graph.node.insert(place, node)
    onnx.checker.check_model(model)
    assert offset_nodes(model) == ['offset']
    assert quantizable_nodes(prepare_graph(model), ('Conv', 'Add')) == ['stem', 'residual']


def test_shared_weights_are_named_directly_in_a_copy():
    model = small_graph()
    prepared = prepare_graph(model)
    assert [node.op_type for node in model.graph.node].count('Identity') == 1
    assert [node.op_type for node in prepared.graph.node].count('Identity') == 0
    assert prepared.graph.node[3].input[1] == 'w'
    onnx.checker.check_model(prepared)


def test_names_to_keep_may_be_patterns():
    names = ['/neck/a', '/neck/b', '/head/c']
    assert match_nodes(['/neck/*'], names) == ['/neck/a', '/neck/b']
    assert match_nodes(['/head/c', '/neck/b'], names) == ['/neck/b', '/head/c']
    with raises(ConfigError, argument='keep_float', value='/nek/a'):
        match_nodes(['/nek/a'], names)
