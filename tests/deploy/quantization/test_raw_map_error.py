import numpy as np
import pytest
from onnx import numpy_helper

from cpose.deploy.model_metadata import INPUT_NAME
from cpose.deploy.quantization.sensitivity import RawMapError, open_session

from ..contract import OUTPUT_SIZES
from ..small_models import noise_batches, small_model


def test_a_network_equals_itself():
    model = small_model()[0]
    assert RawMapError(model, noise_batches())(model) == 0


def test_the_error_is_relative_to_the_spread_of_each_map():
    model = small_model()[0]
    measure = RawMapError(model, noise_batches(1))
    shifted = small_model()[0]
    last = next(node for node in shifted.graph.node if node.output[0] == measure.names[0])
    bias = next(item for item in shifted.graph.initializer if item.name == last.input[2])
    values = numpy_helper.to_array(bias) + 0.5 * measure.spread[0]
    bias.CopyFrom(numpy_helper.from_array(values.astype(np.float32), bias.name))
    assert measure(shifted) == pytest.approx(0.5 / len(measure.names), rel=1e-3)


@pytest.mark.parametrize('is_exact', [False, True])
def test_a_session_runs_the_graph(is_exact):
    session = open_session(small_model()[0], is_exact)
    outputs = session.run(list(OUTPUT_SIZES), {INPUT_NAME: noise_batches(1, 3)[0]})
    assert [value.shape[::2] for value in outputs] == [(3, size) for size in OUTPUT_SIZES.values()]
