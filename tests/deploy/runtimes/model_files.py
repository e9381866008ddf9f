"""A network with few weights as a checkpoint and as ONNX files."""

import json
from functools import cache

import numpy as np
import onnx
import torch

from cpose.apis.builder import build_model
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.deploy.model_metadata import attach_metadata
from cpose.deploy.onnx.export import ExportSettings, make_onnx
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

from ...apis.inference_scenes import CAMERA, DIMS, INPUT_WH, ROTATION, tiny_config
from ..small_models import small_metadata

CELL = 5
"""Pixels of a picture of 80×60 in a cell of the network's maps."""

PIXELS = {'mean': (0.4, 0.45, 0.5), 'std': (0.3, 0.3, 0.3), 'channel_order': 'bgr'}


@cache
def tiny_model():
    """Return a network that sees nearly the same cuboid in every cell."""
    torch.manual_seed(0)
    model = build_model(tiny_config()).train()
    with torch.no_grad():
        for _ in range(10):
            model(torch.randn(8, 3, *INPUT_WH))
        cuboid = ROTATION.apply(CORNER_SIGNS / 2 * DIMS) + np.array([0, 0, 3])
        corners = project_points(cuboid, intrinsic_matrix(*CAMERA[:2], 0, 0)) / CELL
        for name, typical in (('hps', corners), ('scale', DIMS)):
            last = model.head.branches.outputs[name].out
            last.weight *= 0.2
            last.bias[:] = torch.from_numpy(typical.ravel())
    return model.eval()


def write_checkpoint(model, path, config=None):
    """Write a checkpoint with its config."""
    text = config_to_json(config or tiny_config())
    torch.save({'state_dict': model.state_dict(), 'meta': {CONFIG_KEY: text}}, path)
    return path


def write_onnx(model, path, batch=None, **changes):
    """Write an ONNX file with the metadata of the network, some of it changed."""
    config = json.loads(config_to_json(tiny_config()))
    metadata = small_metadata(config, **{'class_names': ('cup',), **PIXELS, **changes})
    graph = onnx.load_from_string(export(model, metadata.input_encoding == 'rgb_0_1'))
    attach_metadata(graph, metadata)
    if batch is not None:
        graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    onnx.save(graph, str(path))
    return path


@cache
def export(model, is_baked):
    """Return the graph of a network, serialised; each takes seconds."""
    settings = ExportSettings(INPUT_WH, opset=17, is_baked=is_baked)
    return make_onnx(model, settings, small_metadata()).SerializeToString()


def noise_images(count, image_wh=(80, 60), seed=0):
    """Return pictures (H, W, 3), BGR uint8."""
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, image_wh[1], image_wh[0], 3), dtype=np.uint8))
