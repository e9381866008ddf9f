import logging
import tempfile
from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnxruntime import quantization

from cpose.deploy.onnx.graph_parts import float_nodes, prepare_graph, quantizable_nodes
from cpose.deploy.quantization.calibration_ranges import (
    find_recipe,
    measure_ranges,
    quantize_with_ranges,
)
from cpose.errors import MissingDependencyError
from cpose.files.encryption_key import use_key

from ...user_errors import raises
from ..small_models import noise_batches, small_model


@pytest.fixture(scope='module')
def network():
    graph = prepare_graph(small_model()[0])
    return graph, measure_ranges(graph, noise_batches())


def test_ranges_hold_what_was_seen(network):
    _, ranges = network
    pixels = np.concatenate(noise_batches())
    assert ranges['input'] == pytest.approx((pixels.min(), pixels.max()))
    graph = network[0]
    relu = next(node.output[0] for node in graph.graph.node if node.op_type == 'Relu')
    assert ranges[relu][0] == 0 < ranges[relu][1]


@pytest.mark.parametrize('target', ['ort', 'tensorrt'])
def test_only_the_network_is_quantised(network, target):
    graph, ranges = network
    recipe = find_recipe(target)
    quantized = quantize_with_ranges(graph, ranges, recipe)
    onnx.checker.check_model(quantized)
    kinds = Counter(node.op_type for node in quantized.graph.node)
    assert kinds['QuantizeLinear'] > 20
    dequantized = {
        node.output[0] for node in quantized.graph.node if node.op_type == 'DequantizeLinear'
    }
    kept = set(float_nodes(graph))
    weights = {node.name for node in graph.graph.node if node.op_type == 'Conv'} & kept
    for node in quantized.graph.node:
        if node.name in weights:
            assert node.input[1] not in dequantized
        elif node.name in quantizable_nodes(graph, ['Conv']):
            assert {node.input[0], node.input[1]} <= dequantized


def test_biases_suit_the_runtime(network):
    graph, ranges = network
    kinds = {
        target: {
            item.data_type
            for item in quantize_with_ranges(graph, ranges, find_recipe(target)).graph.initializer
            if item.data_type != onnx.TensorProto.INT64
        }
        for target in ('ort', 'tensorrt')
    }
    assert onnx.TensorProto.INT32 in kinds['ort']
    assert onnx.TensorProto.UINT8 in kinds['ort']
    assert onnx.TensorProto.UINT8 not in kinds['tensorrt']


def test_weights_have_7_bits_for_onnx_runtime(network):
    graph, ranges = network
    largest = [
        max(
            int(np.abs(numpy_helper.to_array(item).astype(int)).max())
            for item in quantize_with_ranges(graph, ranges, find_recipe(target)).graph.initializer
            if item.name.endswith('_quantized') and item.data_type == onnx.TensorProto.INT8
        )
        for target in ('ort', 'tensorrt')
    ]
    assert largest[0] <= 64
    assert largest[1] == 127


def test_nodes_can_be_left_out_or_taken_alone(network):
    graph, ranges = network
    recipe = find_recipe('tensorrt')
    convs = quantizable_nodes(graph, ['Conv'])
    everything = count_quantized(quantize_with_ranges(graph, ranges, recipe))
    less = count_quantized(quantize_with_ranges(graph, ranges, recipe, keep_float=convs[:3]))
    single = count_quantized(quantize_with_ranges(graph, ranges, recipe, only=convs[:1]))
    assert everything > less > single == 2


def test_the_tool_does_not_talk_on_the_root_logger(network, caplog):
    with caplog.at_level(logging.WARNING):
        quantize_with_ranges(*network, find_recipe('ort'))
    assert not caplog.records


def test_with_a_key_no_file_is_outside_of_memory(network, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'missing'))
    with use_key('secret'):
        ranges = measure_ranges(network[0], noise_batches(1, 1))
        quantize_with_ranges(network[0], ranges, find_recipe('tensorrt'))


def test_an_old_onnxruntime_is_refused(network, monkeypatch):
    monkeypatch.setattr(quantization, 'quantize_static', lambda model_input: None)
    with raises(MissingDependencyError, 'onnxruntime 1.27'):
        quantize_with_ranges(*network, find_recipe('ort'))


def count_quantized(model):
    """Return how many tensors, weights included, are made of whole numbers."""
    return sum(node.op_type == 'DequantizeLinear' for node in model.graph.node)
