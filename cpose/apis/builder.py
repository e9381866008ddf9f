"""From a config, and a checkpoint, to a ready model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope

from cpose.apis.config.check import check_config, import_custom_modules
from cpose.apis.config.load import load_config
from cpose.apis.config.override import nest_options
from cpose.apis.runtime_files import config_from_file, is_runtime_file
from cpose.building import building
from cpose.errors import ConfigError
from cpose.registry import MODELS


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
    return model.to(device).eval()


def resolve_config(
    config: str | Path | Config | None,
    checkpoint: str | Path | None = None,
    allow_custom_imports: bool = False,
    tensors_only: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Config:
    """Return the given config, or the one that the checkpoint carries, with overrides.

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
        return load_config(config, options)
    if checkpoint is None:
        raise ConfigError(
            'needs a checkpoint that carries a config',
            argument='config',
            value=config,
            advice='Give a config, a {checkpoint}, or both.',
        )
    import_custom_modules(Config(nest_options(options or {})))
    if is_runtime_file(checkpoint):
        return load_config(config_from_file(checkpoint, allow_custom_imports), options)
    from cpose.checkpoints.stored_config import config_from_checkpoint

    stored = config_from_checkpoint(checkpoint, allow_custom_imports, tensors_only)
    return load_config(stored, options)
