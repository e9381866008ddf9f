"""The model of an inferencer: a network in PyTorch, or a model file in another runtime."""

import re
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from cpose.apis.builder import build_model
from cpose.apis.config.check import check_config
from cpose.apis.runtime_files import find_runtime, runtime_model
from cpose.building import building
from cpose.codecs.base import Postprocessor
from cpose.codecs.postprocessor import build_postprocessor
from cpose.errors import ConfigError
from cpose.models.detectors.runtime_pose import RuntimePose
from cpose.models.layers.fuse import fuse_for_inference
from cpose.registry import MODELS, RUNTIMES

KNOWN_DEVICE = re.compile(r'(cpu|cuda|mps)(?::(\d+))?')


def choose_device(device: str | None = None) -> str:
    """Return a usable device: the given one, else a GPU if there is one, else the CPU.

    Raises:
        ConfigError: If the given device is unknown or not there.
    """
    if device is None:
        return 'cuda' if torch.cuda.is_available() else 'cpu'
    match = KNOWN_DEVICE.fullmatch(device)
    if match is None:
        raise ConfigError(
            'is unknown', argument='device', value=device, advice='Use cpu, cuda or cuda:0'
        )
    kind, index = match[1], int(match[2] or 0)
    if kind == 'cuda' and index >= torch.cuda.device_count():
        raise ConfigError(
            f'is not there: {torch.cuda.device_count()} GPUs are visible',
            argument='device',
            value=device,
            advice=('Use the device cpu', 'Check driver and CUDA_VISIBLE_DEVICES'),
        )
    if kind == 'mps' and not torch.backends.mps.is_available():
        raise ConfigError(
            'is not there', argument='device', value=device, advice='Use the device cpu'
        )
    return device


def build_for_inference(config: Config, path: str | Path | None, device: str | None) -> Any:
    """Build what finds detections, in evaluation mode.

    Args:
        config: The whole config.
        path: Checkpoint, ONNX file or engine; None leaves the weights as they begin.
        device: Where it runs; None takes a GPU if it can be used.

    Returns:
        A `CenterPose` whose batch norms are folded into its convolutions, or a `RuntimePose`.

    Raises:
        ConfigError: If the config is wrong or does not fit the file.
        CheckpointError: If the file cannot be used.
    """
    check_config(config)
    runtime = None if path is None else find_runtime(config, path)
    if path is None or runtime is None:
        model = build_model(config, path, device or choose_device())
        return fuse_for_inference(model)
    replaced = Config({'model': runtime_model(config, path, runtime, device)})
    check_config(replaced)
    model = MODELS.build(replaced.model)
    return model.to(model.runtime.device).eval()


def find_model_runtime(model: Any) -> Any:
    """Return what runs the network of a model from `build_for_inference`."""
    if isinstance(model, RuntimePose):
        return model.runtime
    return RUNTIMES.build({'type': 'TorchRuntime', 'model': model})


def find_postprocessor(model: Any, config: Config) -> Postprocessor:
    """Return the step from detections to poses; without a model it is built from the config."""
    if model is None:
        with building(config):
            built: Postprocessor = build_postprocessor(config.model.head)
        return built
    found: Postprocessor = (model if isinstance(model, RuntimePose) else model.head).postprocessor
    return found
