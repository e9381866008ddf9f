import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cpose.deploy.onnx.verify import Comparison, check_bounds
from cpose.errors import CheckpointError

from ...user_errors import raises
from ..networks import compare, tiny


@pytest.fixture(scope='module')
def exported():
    return tiny(opset=17)


def changed(graph, op_type, number, factor):
    """Return a copy in which the weights of one node are scaled."""
    copied = onnx.ModelProto()
    copied.CopyFrom(graph)
    node = [node for node in copied.graph.node if node.op_type == op_type][number]
    weight = next(item for item in copied.graph.initializer if item.name == node.input[1])
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * factor, weight.name))
    return copied


@pytest.mark.slow
def test_lines(exported):
    lines = compare(*exported)
    maps = ['hm', 'wh', 'reg', 'hm_hp', 'hp_offset', 'hps', 'scale']
    assert [line.name for line in lines if line.part == 'raw maps'] == maps
    assert [line.count for line in lines[:2]] == [3 * 16 * 16, 3 * 2 * 16 * 16]
    assert sum(line.part == 'decoder' for line in lines) == 8
    assert all(line.is_within and line.count for line in lines)


def test_one_wrong_weight_is_found(exported):
    graph, model, settings = exported
    wrong = compare(changed(graph, 'Conv', 0, 1.01), model, settings)
    beyond = {line.name for line in wrong if not line.is_within}
    assert {'hm', 'wh', 'hps'} <= beyond
    with raises(CheckpointError, 'raw maps, hm: '):
        check_bounds(wrong)


@pytest.mark.parametrize('output', ['kps', 'kps_heatmap_mean'])
def test_a_decoder_that_finds_no_corners_is_found(exported, output):
    """The maps are equal; the conditions for a corner are never true."""
    graph, model, settings = exported
    copied = onnx.ModelProto()
    copied.CopyFrom(graph)
    copied.graph.initializer.append(numpy_helper.from_array(np.array(False), 'never'))
    before_output(copied, 'Where', output).input[0] = 'never'
    wrong = {line.name for line in compare(copied, model, settings) if not line.is_within}
    assert wrong == {'other corners'}


def before_output(graph, op_type, output):
    """Return the last node of a type that an output depends on."""
    needed, found = {output}, None
    for node in reversed(graph.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            if node.op_type == op_type and found is None:
                found = node
    return found


def test_not_a_number_is_beyond_the_bound():
    line = Comparison('raw maps', 'hm', float('nan'), 1.0, 'σ', 1)
    with raises(CheckpointError, 'nan'):
        check_bounds([line])
    check_bounds([Comparison('raw maps', 'hm', 1.0, 1.0, 'σ', 1)])
