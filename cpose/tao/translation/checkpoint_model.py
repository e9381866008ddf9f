"""The network that a model file holds."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.runtime_files import is_runtime_file
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.stored_config import CONFIG_KEY, config_from_checkpoint
from cpose.deploy.model_metadata import read_metadata
from cpose.tao.spec.spec_file import TaoSpec

KIND = 'model.backbone.model_type'


def with_stored_model(config: Config, spec: TaoSpec, file: str) -> Config:
    """Return the config with what a model file says of its network.

    As in TAO, where jobs take over the ``model`` section of the training, the spec need not repeat
    it. Checkpoints of TAO carry none: then the section ``model`` counts. An ONNX file or an engine
    is the network, for images of its size.

    Args:
        config: Translation of the spec.
        spec: The spec.
        file: Checkpoint, ONNX file or engine.

    Raises:
        ConfigError: If the spec names another backbone than the checkpoint has.
        CheckpointError: If the file cannot be read.
    """
    if is_runtime_file(file):
        wh = list(read_metadata(file).input_wh)
        config.merge_from_dict({'test_dataloader.dataset.input_wh': wh})
        return config
    return _with_network(config, spec, file) if Path(file).is_file() else config


def _with_network(config: Config, spec: TaoSpec, checkpoint: str) -> Config:
    """Return the config with the network of a checkpoint, if it carries one.

    Raises:
        ConfigError: If the spec names another backbone.
    """
    stored = load_checkpoint_file(checkpoint, tensors_only=True)
    meta = stored.get('meta')
    if not (isinstance(meta, dict) and CONFIG_KEY in meta):
        return config
    model = config_from_checkpoint(stored).model
    wanted, found = _backbone(config.model), _backbone(model)
    if wanted != found and spec.origin.gives(KIND):
        raise spec.wrong(
            KIND,
            f'contradicts {checkpoint}, whose backbone is {" ".join(filter(None, found))}',
            ('Remove the key', 'Give another checkpoint'),
        )
    num_select = config.model.head.codec.num_select
    merged = Config({**config.to_dict(), 'model': model.to_dict()}, filename=config.filename)
    merged.merge_from_dict({'model.head.codec.num_select': num_select})
    return merged


def _backbone(model: Any) -> tuple[Any, Any]:
    backbone = model['backbone']
    return backbone['type'], backbone.get('arch') or backbone.get('name')
