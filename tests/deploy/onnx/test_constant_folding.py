import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from cpose.deploy.onnx.graph_passes import fold_constants


def make_model(nodes, weights):
    values = {
        name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in 'xy'
    }
    tensors = [
        numpy_helper.from_array(np.array(value, dtype=np.float32), name)
        for name, value in weights.items()
    ]
    graph = helper.make_graph(nodes, 'g', [values['x']], [values['y']], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)


def run(model, x):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    return session.run(None, {'x': np.array(x, dtype=np.float32)})[0].tolist()


def test_chain_of_constants():
    """(a + a) ⋅ c is one number, x ⋅ it + it is left."""
    model = make_model(
        [
            helper.make_node('Constant', [], ['c'], value_floats=[10.0, 10.0]),
            helper.make_node('Add', ['a', 'a'], ['double']),
            helper.make_node('Mul', ['double', 'c'], ['factor']),
            helper.make_node('Mul', ['x', 'factor'], ['scaled']),
            helper.make_node('Add', ['scaled', 'factor'], ['y']),
        ],
        {'a': [1.0, 2.0], 'unused': [5.0, 5.0]},
    )
    fold_constants(model)
    assert [node.op_type for node in model.graph.node] == ['Mul', 'Add']
    assert [item.name for item in model.graph.initializer] == ['factor']
    assert run(model, [1, 1]) == [40, 80]


def test_nothing_to_fold():
    model = make_model([helper.make_node('Add', ['x', 'a'], ['y'])], {'a': [1.0, 2.0]})
    fold_constants(model)
    assert [node.op_type for node in model.graph.node] == ['Add']
    assert run(model, [1, 1]) == [2, 3]


def test_a_constant_output_stays():
    model = make_model([helper.make_node('Add', ['a', 'a'], ['y'])], {'a': [1.0, 2.0]})
    fold_constants(model)
    assert run(model, [0, 0]) == [2, 4]
