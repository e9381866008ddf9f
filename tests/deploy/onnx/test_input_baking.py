import pytest
import torch

from cpose.deploy.onnx.graph_module import BakedInput
from cpose.models.data_preprocessor import PoseDataPreprocessor

from ..networks import check_equal, compare, export, make_noise, tiny_config


@pytest.mark.parametrize('order', ['bgr', 'rgb'])
def test_equals_the_preprocessor(order):
    preprocessor = PoseDataPreprocessor([0.4, 0.45, 0.5], [0.3, 0.25, 0.2], order, 32)
    pictures = make_noise(2, 8, 4)
    baked = BakedInput(preprocessor)(pictures.flip(1).float() / 255)
    torch.testing.assert_close(baked, preprocessor.normalise(pictures), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(('order', 'opset'), [('bgr', 18), ('rgb', 17)])
def test_baked_graph_equals_the_network(order, opset):
    """The network gets normalised pictures, the graph the same ones as RGB of 0 to 1."""
    config = tiny_config(channel_order=order)
    graph, model, settings = export(config, opset=opset, batch=1, is_baked=True)
    check_equal(graph, model, settings)
    plain, *_ = export(config, model, opset=17, batch=1)
    worse = compare(plain, model, settings)
    assert not all(line.is_within for line in worse)
