"""Build the model of a config: a network in PyTorch, or a model file in another runtime."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from cpose.apis.config.check import check_config, import_custom_modules
from cpose.apis.config.load import load_config
from cpose.apis.config.override import nest_options
from cpose.apis.file_facts import tell_contradictions
from cpose.apis.inference.inference_parts import named_categories
from cpose.apis.runtime_files import config_from_file, find_runtime, is_runtime_file, runtime_model
from cpose.building import building
from cpose.codecs.base import Postprocessor
from cpose.codecs.postprocessor import build_postprocessor
from cpose.errors import ConfigError
from cpose.models.detectors.runtime_pose import RuntimePose
from cpose.models.layers.fuse import fuse_for_inference
from cpose.registry import MODELS, RUNTIMES

KNOWN_DEVICE = re.compile(r'(cpu|cuda|mps)(?::(\d+))?')


def build_model(
    config: str | Path | Config | None, checkpoint: str | Path | None = None, device: str = 'cpu'
) -> Any:
    """Build a `CenterPose` in eval mode.

    ``model(images, mode='tensor')`` takes normalised images (B, 3, H, W) and gives the raw maps
    (logits) as a dict keyed hm, wh, reg, hm_hp, hp_offset, hps, scale.

    Args:
        config: See `cpose.apis.config.load.find_config`; ``None`` takes it from the checkpoint.
        checkpoint: Weights of any known family; with ``load_tensors_only=True`` in the config also
            from files that hold other objects too, which are left out.
        device: Where the model goes.

    Raises:
        ConfigError: If the config is wrong, or neither config nor checkpoint is given.
        CheckpointError: If the checkpoint cannot be used.
    """
    from cpose.checkpoints.categories import check_categories, stored_categories
    from cpose.checkpoints.checkpoint_file import load_checkpoint_file
    from cpose.checkpoints.loading import load_weights
    from cpose.checkpoints.stored_config import without_pretrained

    loaded = resolve_config(config, checkpoint)
    tensors_only = loaded.get('load_tensors_only', False)
    stored = None if checkpoint is None else load_checkpoint_file(checkpoint, tensors_only)
    check_config(loaded)
    model_config = loaded.model if stored is None else without_pretrained(loaded.model.to_dict())
    with DefaultScope.overwrite_default_scope('cpose'), building(loaded):
        model = MODELS.build(model_config)
    if checkpoint is not None and stored is not None:
        load_weights(model, stored, checkpoint)
        check_categories(stored_categories(stored), named_categories(loaded), checkpoint)
    return model.to(device).eval()


def resolve_config(
    config: str | Path | Config | None,
    checkpoint: str | Path | None = None,
    allow_custom_imports: bool = False,
    tensors_only: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Config:
    """Return the given config, or the one that the checkpoint carries, with overrides.

    Warns where a config in a file, or an override, says otherwise than the model file.

    Args:
        config: See `find_config`; ``None`` or '-' takes it from the checkpoint.
        checkpoint: File with a config: a checkpoint, an ONNX file or an engine.
        allow_custom_imports: Whether the config of the checkpoint may import any package.
        tensors_only: Whether the checkpoint may hold objects besides tensors, which are left out.
        options: Overrides by dotted key.

    Raises:
        ConfigError: If there is neither, or an override does not fit.
    """
    if config is not None and str(config) != '-':
        loaded = load_config(config, options)
        if checkpoint is not None and not isinstance(config, Config):
            tell_contradictions(loaded, checkpoint, is_own=False)
        return loaded
    if checkpoint is None:
        raise ConfigError(
            'needs a checkpoint that carries a config',
            argument='config',
            value=config,
            advice='Give a config, a {checkpoint}, or both.',
        )
    import_custom_modules(Config(nest_options(options or {})))
    if is_runtime_file(checkpoint):
        loaded = load_config(config_from_file(checkpoint, allow_custom_imports), options)
        if options:
            tell_contradictions(loaded, checkpoint, is_own=True)
        return loaded
    from cpose.checkpoints.stored_config import config_from_checkpoint

    stored = config_from_checkpoint(checkpoint, allow_custom_imports, tensors_only)
    return load_config(stored, options)


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
    from cpose.checkpoints.categories import check_categories

    check_config(config)
    runtime = None if path is None else find_runtime(config, path)
    if path is None or runtime is None:
        model = build_model(config, path, choose_device(device))
        return fuse_for_inference(model)
    replaced = Config({'model': runtime_model(config, path, runtime, device)})
    check_config(replaced)
    model = MODELS.build(replaced.model)
    check_categories(model.runtime.metadata.class_names, named_categories(config), path)
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
