import torch

from cpose.deploy.onnx.graph_module import ExportGraph, map_names

from ..contract import OUTPUT_SIZES
from ..networks import make_network, tiny_config


def test_outputs_in_order():
    model = make_network(tiny_config())
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        maps = model(images, mode='tensor')
        detections = model.head.codec.decode(maps)
        found = ExportGraph(model, (96, 64))(images)
    expected = [detections[name] for name in OUTPUT_SIZES] + [
        maps[name] for name in map_names(model)
    ]
    assert len(found) == len(expected) == 14
    for value, own in list(zip(expected, found, strict=True))[len(OUTPUT_SIZES) :]:
        torch.testing.assert_close(own, value, rtol=1e-4, atol=1e-5)
    assert [value.shape[-1] for value in found[: len(OUTPUT_SIZES)]] == list(OUTPUT_SIZES.values())


def test_batch_norms_are_folded():
    model = make_network(tiny_config())
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    graph = ExportGraph(model, (64, 64))
    assert norms
    assert not [module for module in graph.modules() if isinstance(module, torch.nn.BatchNorm2d)]
