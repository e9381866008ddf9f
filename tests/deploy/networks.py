"""Networks to export, with batch norms that do something."""

import functools

import onnx
import pytest
import torch

from cpose.apis.builder import build_model
from cpose.apis.config.load import load_config
from cpose.apis.export.model_export import make_metadata
from cpose.deploy.onnx import export as onnx_export
from cpose.deploy.onnx.export import ExportSettings, make_onnx
from cpose.deploy.onnx.verify import check_bounds, compare_with_torch

TINY = {
    'model': {
        'type': 'CenterPose',
        'data_preprocessor': {
            'type': 'PoseDataPreprocessor', 'mean': [0.4, 0.45, 0.5], 'std': [0.3, 0.25, 0.2],
        },
        'backbone': {'type': 'TimmBackbone', 'name': 'test_resnet', 'pretrained': False},
        'neck': {'type': 'IDAUpNeck', 'out_channels': 16},
        'head': {'type': 'CenterPoseHead', 'head_conv': 32},
    },
    'test_dataloader': {
        'dataset': {
            'metainfo': {'category': 'cup', 'symmetry': {'type': 'RotationalSymmetry'}},
            'input_wh': (64, 64),
        }
    },
}  # fmt: skip


def tiny_config(**data_preprocessor):
    config = load_config(TINY)
    config.model.data_preprocessor.update(data_preprocessor)
    return config


def make_network(config):
    """Return a network with random weights that finds boxes and corners.

    Its normalisation has been fitted to noise: batch norms do something, and maps vary.
    """
    torch.manual_seed(0)
    model = build_model(config).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model(model.data_preprocessor.normalise(make_noise(4, 64, 64)))
    for name, bias in {'hm': 0.0, 'hm_hp': 0.0, 'wh': 6.0}.items():
        torch.nn.init.constant_(model.head.branches.outputs[name].out.bias, bias)
    return model.eval()


def make_noise(count, width, height):
    """Return pictures (count, 3, height, width) uint8."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (count, 3, height, width), generator=generator, dtype=torch.uint8)


def export(config, model=None, input_wh=(64, 64), **settings):
    """Return the graph, the network and the settings."""
    model = model or make_network(config)
    chosen = ExportSettings(input_wh=input_wh, **settings)
    return make_onnx(model, chosen, make_metadata(config, model, chosen)), model, chosen


@functools.cache
def tiny(**settings):
    """Return the same for the tiny network; not to be changed.

    What PyTorch's exporters make of it is kept: settings that act on the graph share it.
    """
    with pytest.MonkeyPatch.context() as patch:
        for trace in (TRACE, EXPORT):
            patch.setattr(onnx_export, trace.__name__, functools.partial(_once, trace))
        return export(tiny_config(), tiny_network(), **settings)


@functools.cache
def tiny_network():
    return make_network(tiny_config())


TRACE, EXPORT = onnx_export._trace, onnx_export._export
_traced = {}


def _once(trace, graph, settings, inputs, names):
    key = (settings.input_wh, settings.opset, settings.batch, settings.is_baked)
    if key not in _traced:
        _traced[key] = trace(graph, settings, inputs, names).SerializeToString()
    return onnx.load_from_string(_traced[key])


def compare(graph, model, settings, count=3):
    """Return the differences."""
    return compare_with_torch(graph, model, make_noise(count, *settings.input_wh), settings)


def check_equal(graph, model, settings):
    """Check that a graph computes what the network does."""
    lines = compare(graph, model, settings)
    assert all(line.count for line in lines), 'nothing was compared'
    check_bounds(lines)


def shapes(values):
    """Return name to shape, with names for axes of any length."""
    return {
        item.name: tuple(
            axis.dim_param or axis.dim_value for axis in item.type.tensor_type.shape.dim
        )
        for item in values
    }
