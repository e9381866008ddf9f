"""The config that a converted checkpoint carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.load import configs_root, load_config
from cpose.checkpoints.architecture import TITLES, Architecture
from cpose.checkpoints.stored_config import CONFIG_KEY, config_from_checkpoint
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError, nearest_names

HEAD = 'CenterPoseHead'
PLAIN_CONV, DEFORMABLE_CONV = 'PlainConv', 'ModulatedDeformConv'
MORE_CATEGORIES = ' Name the categories in metainfo.category of its data sets.'


@dataclass(frozen=True)
class ConfigChoice:
    """Where the config comes from.

    Attributes:
        category: Take the shipped config of this category and of the backbone that is found.
        config: Take this one, see `cpose.apis.config.load.find_config`.
        options: Overrides by dotted key.
        allow_custom_imports: Follow ``custom_imports`` of a carried config into any package.
    """

    category: str | None = None
    config: str | Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    allow_custom_imports: bool = False

    def is_given(self) -> bool:
        """Whether the user chose anything."""
        return bool(self.category or self.config or self.options)


def choose_config(
    choice: ConfigChoice, found: Architecture, stored: Mapping[str, Any]
) -> tuple[Config, str]:
    """Return the config of a model and what it is called.

    Without a choice it is the carried one; else, if the backbone is known, one that has nothing
    but the model, whose name is empty.

    Args:
        choice: What the user wants.
        found: The network of the checkpoint.
        stored: Content of the checkpoint.

    Raises:
        ConfigError: If none can be found.
        CheckpointError: If the carried config would import or call foreign code.
    """
    if choice.category and choice.config:
        raise ConfigError(
            'does not go with a config',
            argument='category',
            value=choice.category,
            advice='Leave out {category} or {config}',
        )
    if choice.config:
        return load_config(choice.config, choice.options), str(choice.config)
    if choice.category:
        name = _shipped_name(choice.category, found)
        return load_config(name, {**model_options(found), **choice.options}), name
    meta = stored.get('meta')
    if isinstance(meta, Mapping) and isinstance(meta.get(CONFIG_KEY), str):
        carried = config_from_checkpoint(stored, choice.allow_custom_imports)
        return load_config(carried, choice.options), 'of the checkpoint'
    if not found.backbone:
        raise ConfigError(
            'The backbone is none that a shipped config is for, and the checkpoint carries no '
            'config',
            advice='Give the {config} it was trained with',
        )
    if choice.options:
        raise ConfigError(
            'have no config that they could change',
            argument='options',
            value=list(choice.options),
            advice='Give {category} or {config} too',
        )
    options = {**model_options(found), 'model.head.num_classes': found.num_classes}
    return load_config(f'_base_/models/{found.backbone}', options), ''


def model_options(found: Architecture) -> dict[str, Any]:
    """Return what the shipped config of a backbone needs to become the network found."""
    options: dict[str, Any] = {
        'model.head.head_conv': found.head_conv,
        'model.head.use_association': found.use_association,
    }
    if found.is_deformable:
        options['model.neck.conv'] = {'type': DEFORMABLE_CONV}
    for name in found.log_variances:
        options[f'model.head.branches.{name}.loss.type'] = 'KLDUncertaintyLoss'
    return options


def check_config_fits(found: Architecture, config: Config, label: str, checkpoint: Any) -> None:
    """Compare a checkpoint with a config before anything is built.

    Parts of other classes than this project's are left to the strict loading of the weights.

    Raises:
        CheckpointError: Naming for every difference the config key, its value and the right one.
    """
    model = config.get('model', {})
    differences = [
        f'{key} is {value!r}, the checkpoint needs {needed!r}'
        for key, (value, needed) in _compared(found, model).items()
        if value != needed
    ]
    if differences:
        more = MORE_CATEGORIES if any('num_classes' in text for text in differences) else ''
        raise CheckpointError(
            f'does not fit config {label}: {"; ".join(differences)}',
            argument='checkpoint',
            place=FilePlace(checkpoint),
            advice=f'Set the keys in a config and give it as {{config}}.{more}',
        )


def _compared(found: Architecture, model: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return by config key its value and the one that the checkpoint needs."""
    backbone, head, neck = (model.get(part, {}) for part in ('backbone', 'head', 'neck'))
    pairs: dict[str, tuple[Any, Any]] = {}
    known = {
        'DLA34': 'dla34',
        'DLA34Track': 'dla34_track',
        'FAN': f'fan_{backbone.get("arch", "small")}',
    }
    name = known.get(_bare(backbone.get('type')))
    if name and found.backbone:
        pairs['model.backbone'] = (TITLES.get(name, name), TITLES[found.backbone])
    if _bare(head.get('type')) == HEAD:
        for key, default in (('num_classes', 1), ('head_conv', 256), ('use_association', True)):
            pairs[f'model.head.{key}'] = (head.get(key, default), getattr(found, key))
    conv = _bare(neck.get('conv', {}).get('type', PLAIN_CONV))
    if conv in (PLAIN_CONV, DEFORMABLE_CONV):
        needed = DEFORMABLE_CONV if found.is_deformable else PLAIN_CONV
        pairs['model.neck.conv.type'] = (conv, needed)
    return pairs


def _shipped_name(category: str, found: Architecture) -> str:
    shipped = {file.stem for file in (configs_root() / 'centerpose').glob('*.py')}
    if not any(found.backbone and name.startswith(f'{found.backbone}_') for name in shipped):
        raise ConfigError(
            f'is for the backbones of shipped configs ({", ".join(TITLES.values())}), and this is '
            'another one',
            argument='category',
            value=category,
            advice='Give {config}',
        )
    name = f'{found.backbone}_{category}'
    if name not in shipped:
        prefix = f'{found.backbone}_'
        longer = tuple(f'{name}_' for name in TITLES if name.startswith(prefix))
        known = [
            item.removeprefix(prefix)
            for item in shipped
            if item.startswith(prefix) and not item.startswith(longer)
        ]
        raise ConfigError(
            'has no shipped config',
            argument='category',
            value=category,
            advice=f'{nearest_names(category, known)} For a category of your own give {{config}}.',
        )
    return name


def _bare(kind: Any) -> str:
    return str(kind).rpartition('.')[2]
