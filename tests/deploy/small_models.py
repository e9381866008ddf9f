"""ONNX files of networks with few weights, as an export writes them."""

import json
from functools import cache

import numpy as np
import onnx
import torch

from cpose.apis.builder import build_model
from cpose.deploy.model_metadata import ModelMetadata, attach_metadata
from cpose.deploy.onnx.export import ExportSettings, make_onnx

INPUT_WH = (64, 64)
DATASET = {
    'type': 'SyntheticCuboidDataset',
    'num_images': 8,
    'image_wh': INPUT_WH,
    'input_wh': INPUT_WH,
    'seed': 5,
    'pipeline': [
        {'type': 'LoadPoseImage'}, {'type': 'LetterboxAffine'}, {'type': 'PackPoseInputs'},
    ],
}  # fmt: skip
CONFIG = {
    'model': {
        'type': 'CenterPose',
        'data_preprocessor': {
            'type': 'PoseDataPreprocessor', 'mean': [0.4, 0.45, 0.5], 'std': [0.3, 0.3, 0.3],
        },
        'backbone': {'type': 'TimmBackbone', 'name': 'test_resnet', 'pretrained': False},
        'neck': {'type': 'IDAUpNeck', 'out_channels': 16},
        'head': {'type': 'CenterPoseHead', 'head_conv': 32, 'use_association': False},
    },
    'train_dataloader': {
        'batch_size': 4,
        'dataset': {**DATASET, 'num_images': 20, 'seed': 1, 'fresh_each_epoch': True},
    },
    'test_dataloader': {'batch_size': 4, 'dataset': DATASET},
    'test_evaluator': {'type': 'ObjectronMetric'},
}  # fmt: skip


def small_metadata(config=CONFIG, **changes):
    fields = {
        'cpose_version': '0',
        'class_names': ('cuboid',),
        'mean': (0.4, 0.45, 0.5),
        'std': (0.3, 0.3, 0.3),
        'channel_order': 'bgr',
        'input_encoding': 'normalised',
        'stride': 4,
        'input_wh': INPUT_WH,
        'precision': 'fp32',
        'quantize_target': '',
        'symmetry': '{"type": "CuboidSymmetry"}',
        'config': json.dumps(config),
    }
    return ModelMetadata(**{**fields, **changes})


@cache
def small_network():
    """Return a network with random weights whose normalisation has been fitted to noise."""
    torch.manual_seed(0)
    model = build_model(dict(CONFIG)).train()
    for _ in range(10):
        model(torch.randn(8, 3, *INPUT_WH))
    return model.eval()


@cache
def _small_bytes(batch):
    settings = ExportSettings(INPUT_WH, opset=17, batch=batch)
    return make_onnx(small_network(), settings, small_metadata()).SerializeToString()


def small_model(batch=None, **changes):
    """Return an exported network, batch size free or fixed, and its metadata with changes."""
    model = onnx.load_from_string(_small_bytes(batch))
    metadata = small_metadata(**changes)
    attach_metadata(model, metadata)
    return model, metadata


def write_small_model(path, batch=None, **changes):
    """Write an exported network to a file."""
    onnx.save(small_model(batch, **changes)[0], str(path))
    return path


def noise_batches(count=2, size=4, seed=0):
    """Return network inputs."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(size, 3, *INPUT_WH)).astype(np.float32) for _ in range(count)]
