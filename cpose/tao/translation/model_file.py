"""What a model file knows of its network, and what a spec says against it."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.load import load_config
from cpose.apis.runtime_files import config_from_file, is_runtime_file
from cpose.checkpoints.architecture import infer_architecture
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.loading import find_state_dict
from cpose.checkpoints.stored_config import CONFIG_KEY, config_from_checkpoint
from cpose.errors import ConfigError, errors_of_file
from cpose.models.checkpoint_keys import convert, detect_family
from cpose.tao.jobs.status import process_rank
from cpose.tao.spec.spec_file import TaoSpec

KIND = 'model.backbone.model_type'
BACKBONES = {'dla34': 'DLA34'}
"""Architectures that a spec writes in another way."""


@dataclass(frozen=True)
class ModelFile:
    """A model file beside the spec that names it.

    Attributes:
        spec: The spec.
        task: What is to be done with the file.
        path: The file.
    """

    spec: TaoSpec
    task: str
    path: Path

    @property
    def is_exported(self) -> bool:
        """Whether the file is a graph for one input size and one number of detections."""
        return is_runtime_file(self.path)

    def takes_spec(self, key: str, known: Any, is_fixed: bool = False) -> bool:
        """Whether a key of the spec changes what the file knows; warn if they contradict.

        Args:
            key: Dotted key.
            known: Its value by the file.
            is_fixed: Whether the value of the file cannot be changed.
        """
        value = self.spec.value(key)
        if not self.spec.origin.gives(key) or value == known:
            return False
        self.tell(key, known, is_fixed)
        return not is_fixed

    def tell(self, key: str, known: Any, is_fixed: bool) -> None:
        """Warn that the spec gives another value than the file, once of several processes."""
        if process_rank() != 0:
            return
        outcome = (
            'The file holds, as it was made so: remove the key'
            if is_fixed
            else 'The spec holds: remove the key to take what the file has'
        )
        place, value = self.spec.origin.place(key), self.spec.value(key)
        warnings.warn(
            f'{place}: {key}={value!r}, but {self.path} has {known!r}. {outcome}.', stacklevel=3
        )


def stored_config(path: Path) -> Config | None:
    """Return the config that a model file carries, None if it carries none.

    Raises:
        CheckpointError: If the file cannot be read, or its config would run foreign code.
    """
    if is_runtime_file(path):
        return config_from_file(path)
    content = load_checkpoint_file(path, tensors_only=True)
    meta = content.get('meta')
    if not (isinstance(meta, Mapping) and CONFIG_KEY in meta):
        return None
    return load_config(config_from_checkpoint(content))


Fact = Callable[[Mapping[str, Any]], Any]
"""Look up the value of a key of the spec in the config key ``model``."""


def _at(place: str, default: Any = None) -> Fact:
    def look_up(model: Mapping[str, Any]) -> Any:
        node: Any = model
        for part in place.split('.'):
            node = node.get(part) if isinstance(node, Mapping) else None
        return default if node is None else list(node) if isinstance(node, tuple) else node

    return look_up


def _is(place: str, kind: str) -> Fact:
    return lambda model: _at(f'{place}.type')(model) == kind


def _backbone(model: Mapping[str, Any]) -> str:
    """Return the backbone as a spec names it; one that no spec names by type and name."""
    kind, arch = _at('backbone.type')(model), _at('backbone.arch', 'small')(model)
    known = {'DLA34': 'DLA34', 'FAN': f'fan_{arch}'}
    return known.get(kind, f'{kind} {_at("backbone.name", "")(model)}'.strip())


UNCERTAINTY = 'KLDUncertaintyLoss'
NETWORK: dict[str, Fact] = {
    'dataset.num_classes': _at('head.num_classes', 1),
    'dataset.mean': _at('data_preprocessor.mean'),
    'dataset.std': _at('data_preprocessor.std'),
    'dataset.center_3D': _is('head.codec.center_rule', 'ProjectedCenter'),
    'dataset.use_absolute_scale': _is('head.branches.scale.coder', 'AbsoluteDims'),
    'dataset.hps_uncertainty': _is('head.branches.hps.loss', UNCERTAINTY),
    'dataset.obj_scale_uncertainty': _is('head.branches.scale.loss', UNCERTAINTY),
    'train.loss_config.hps_uncertainty': _is('head.branches.hps.loss', UNCERTAINTY),
    'train.loss_config.obj_scale_uncertainty': _is('head.branches.scale.loss', UNCERTAINTY),
    'train.loss_config.use_residual': _is('head.branches.scale.coder', 'ResidualDims'),
    'model.down_ratio': _at('neck.out_stride', 4),
    'model.head_conv': _at('head.head_conv', 256),
    'model.use_convGRU': _at('head.use_association', True),
}
"""Keys that the weights of a file fix, beside the backbone."""


def check_network(file: ModelFile, stored: Config) -> None:
    """Compare what a spec says of the network with the file, which holds.

    Raises:
        ConfigError: If it names another backbone than a checkpoint has.
    """
    for key, find in NETWORK.items():
        file.takes_spec(key, find(stored.model), is_fixed=True)
    _check_backbone(file, _backbone(stored.model))


def with_network(file: ModelFile) -> TaoSpec:
    """Return the spec with the network that the weights of a checkpoint show, where it names none.

    Raises:
        ConfigError: If the spec names another backbone.
        CheckpointError: If the weights are of no known family.
    """
    with errors_of_file(file.path):
        weights = find_state_dict(load_checkpoint_file(file.path, tensors_only=True))
        found = infer_architecture(convert(weights, detect_family(weights)))
    spec = file.spec
    if not (found.backbone and found.num_classes):
        return spec
    kind = BACKBONES.get(found.backbone, found.backbone)
    _check_backbone(file, kind)
    facts = {'head_conv': found.head_conv, 'use_convGRU': found.use_association}
    unsaid = {name: fact for name, fact in facts.items() if not spec.origin.gives(f'model.{name}')}
    model = spec.values.model
    backbone = model.backbone.model_copy(update={'model_type': kind})
    model = model.model_copy(update={**unsaid, 'backbone': backbone})
    return replace(spec, values=spec.values.model_copy(update={'model': model}))


def _check_backbone(file: ModelFile, known: str) -> None:
    if file.is_exported:
        file.takes_spec(KIND, known, is_fixed=True)
    elif file.spec.origin.gives(KIND) and file.spec.value(KIND) != known:
        raise ConfigError(
            f'contradicts {file.path}, whose backbone is {known}',
            value=file.spec.value(KIND),
            place=file.spec.origin.at(KIND),
            advice=('Remove the key', 'Give another checkpoint'),
        )
