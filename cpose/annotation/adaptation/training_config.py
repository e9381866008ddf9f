"""The config of a training that adapts a model to annotated photographs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cpose.apis.config.override import DELETE_KEY
from cpose.apis.config.reading import BASE_KEY
from cpose.datasets.draws import innermost_configs
from cpose.errors import ConfigError
from cpose.files.atomic import write_text_atomic
from cpose.files.config_text import config_text, docstring

BATCH_SIZE = 8
DRAWS = 200
"""Pictures in an epoch, each differently cut and coloured."""
WARMUP = 30
"""Iterations in which the learning rate rises."""
LEARNING_RATE = 7e-4
BACKBONE_FACTOR = 0.3
HEAD_EPOCHS = 1
SHARE = 0.25
"""Of drawn pictures."""
AVERAGING = 0.03
"""Weight of the newest step in the averaged weights, which are those that are tested and kept."""
PATIENCE = 8
MOST_WORKERS = 8
CHOICE = 'mAP_3DIoU'
"""Number by which the best epoch is chosen: one threshold tells little about a few pictures."""
EXTRA_METRICS = [{'type': 'MeanPrecision'}]
JUDGING = ('val', 'test')
"""Beginnings of the keys of what a model is judged by."""
DRAWN = 'SyntheticCuboidDataset'
HERE = '{{ fileDirname }}'
"""The folder of a config file, in the config."""
TITLE = """Adaptation of {model} to {count} annotated photographs, written by `cpose adapt`.

`cpose train` with this file repeats it.
"""


@dataclass(frozen=True)
class Photographs:
    """Annotated photographs that are trained on and judged by.

    Attributes:
        train_root: Folder to train on, as the config names it.
        val_root: Folder that is held out.
        num_train: Number of pictures to train on.
        metainfo: ``category``, ``symmetry`` and ``eval_num_symmetry``.
        classes: See `CenterPoseDataset`.
        is_like_model: Whether the objects have the symmetry of the model's category: drawn pictures
            of that teach what is wrong of others.
        proportions: Of the sizes of the objects; none if they are many, see `find_proportions`.
    """

    train_root: str
    val_root: str
    num_train: int
    metainfo: Mapping[str, Any]
    classes: Mapping[str, str] | None = None
    is_like_model: bool = True
    proportions: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class AdaptRecipe:
    """How a model is adapted.

    Attributes:
        epochs: Most epochs of `DRAWS` pictures.
        minutes: Most minutes of training; None for no limit.
        synthetic: Share of drawn pictures, 0 to below 1; None for `SHARE` where the model has
            learnt from such and ``is_like_model``, and none elsewhere.
        side: Width and height of the network input; None for that of the model.
        seed: Of everything that is drawn by chance.
    """

    epochs: int = 40
    minutes: float | None = None
    synthetic: float | None = None
    side: int | None = None
    seed: int = 0


def build_overlay(
    base: Config, base_name: str, weights: str, photographs: Photographs, recipe: AdaptRecipe
) -> dict[str, Any]:
    """Return what differs from the config of a model.

    Args:
        base: Config of the model.
        base_name: What `load_config` finds it by.
        weights: Its file.
        photographs: The data.
        recipe: How to train.

    Raises:
        ConfigError: If the model has no training data to take the augmentation from, or no drawn
            ones where some are wanted.
    """
    size = {} if recipe.side is None else {'input_wh': _square(recipe.side)}
    judged = {'dataset': {**_judged(base, photographs), **size}, 'num_workers': 1}
    metrics = {'extra_metrics': EXTRA_METRICS}
    norms = {'type': 'HeadFirstHook', 'epochs': HEAD_EPOCHS, 'freeze_norms': True}
    limit = {'type': 'TimeLimitHook', 'minutes': recipe.minutes}
    return {
        BASE_KEY: base_name,
        'load_from': weights,
        'model': {
            'backbone': _without_downloads(base.model.backbone),
            **_known_sizes(photographs.proportions),
        },
        'train_dataloader': {
            'batch_size': BATCH_SIZE,
            'num_workers': max(1, min(MOST_WORKERS, len(os.sched_getaffinity(0)) - 1)),
            'drop_last': True,
            'dataset': _mixture(base, photographs, recipe, size),
        },
        **{f'{name}_dataloader': _like(base, name, 'dataloader', judged) for name in JUDGING},
        **{f'{name}_evaluator': _like(base, name, 'evaluator', metrics) for name in JUDGING},
        **{f'{name}_cfg': {DELETE_KEY: True} for name in JUDGING if _lacks(base, f'{name}_cfg')},
        'optim_wrapper': {
            'type': 'OptimWrapper',
            'optimizer': {
                DELETE_KEY: True,
                'type': 'AdamW',
                'lr': LEARNING_RATE,
                'weight_decay': 0.01,
            },
            'paramwise_cfg': {'custom_keys': {'backbone': {'lr_mult': BACKBONE_FACTOR}}},
        },
        'param_scheduler': [
            {'type': 'LinearLR', 'start_factor': 0.05, 'by_epoch': False, 'begin': 0, 'end': WARMUP}
        ],
        'train_cfg': {
            DELETE_KEY: True,
            'type': 'ResumableEpochTrainLoop',
            'max_epochs': recipe.epochs,
            'val_begin': 1,
            'val_interval': 1,
        },
        'default_hooks': {
            'checkpoint': {
                'type': 'AtomicCheckpointHook',
                'interval': 1,
                'iter_interval': None,
                'keep_last': 1,
                'save_best': CHOICE,
                'rule': None,
            }
        },
        'custom_hooks': [
            {'type': 'EMAHook', 'momentum': AVERAGING},
            norms,
            {'type': 'PatienceHook', 'monitor': CHOICE, 'patience': PATIENCE},
            *([] if recipe.minutes is None else [limit]),
        ],
        'randomness': {'seed': recipe.seed},
    }


def _known_sizes(proportions: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return what makes a model choose among known sizes instead of guessing one."""
    if not proportions:
        return {}
    known = {DELETE_KEY: True, 'type': 'KnownDims', 'proportions': [list(p) for p in proportions]}
    return {'head': {'postprocessor': {'dims_refiner': known}}}


def _square(side: int) -> tuple[int, int]:
    """Return width and height of the network input.

    Raises:
        ConfigError: If the side is no multiple of 32.
    """
    if side % 32:
        raise ConfigError('is no multiple of 32', argument='size', value=side)
    return side, side


def write_overlay(path: Path, overlay: Mapping[str, Any], model: str, count: int) -> None:
    """Write a config file that people can read.

    Args:
        path: The file.
        overlay: Its content.
        model: What was adapted, for its first line.
        count: Number of photographs trained on.

    Raises:
        OutputError: If it cannot be written.
    """
    title = docstring(TITLE.format(model=model, count=count))
    write_text_atomic(path, f'{title}\n{config_text(overlay)}')


def _drawn(config: Config) -> list[dict[str, Any]]:
    """Return the configs of the drawn pictures that a model of one category learnt from."""
    datasets = innermost_configs((config.get('train_dataloader') or {}).get('dataset') or {})
    return [item for item in datasets if item.get('type') == DRAWN]


def _lacks(base: Config, key: str) -> bool:
    return base.get(key) is None


def _like(base: Config, name: str, part: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes to what a model is judged by; where it has none, the other's, changed.

    Raises:
        ConfigError: If it has neither for validation nor for tests.
    """
    own, other = (base.get(f'{each}_{part}') for each in (name, *set(JUDGING) - {name}))
    if own is not None:
        return dict(changes)
    if other is None:
        raise ConfigError(
            f'carries a config without val_{part} and test_{part}, by which it would be judged',
            argument='model',
            advice='Take a model of the zoo, or a checkpoint of a config that has one of them',
        )
    inner = {  # only the outermost of nested deletions is obeyed
        key: {name: item for name, item in value.items() if name != DELETE_KEY}
        if isinstance(value, Mapping)
        else value
        for key, value in changes.items()
    }
    return {DELETE_KEY: True, **other.to_dict(), **inner}


def _judged(base: Config, photographs: Photographs) -> dict[str, Any]:
    loader = _like(base, 'test', 'dataloader', {}) or base.test_dataloader
    dataset = innermost_configs(loader['dataset'])[0]
    return {DELETE_KEY: True, **_photographs(dataset, photographs, photographs.val_root)}


def _photographs(like: Mapping[str, Any], photographs: Photographs, root: str) -> dict[str, Any]:
    """Return the config of photographs that are loaded as the pictures of another data set are."""
    chosen = {} if photographs.classes is None else {'classes': dict(photographs.classes)}
    return {
        'type': 'CenterPoseDataset',
        'data_root': root,
        'metainfo': dict(photographs.metainfo),
        'input_wh': tuple(like['input_wh']),
        'pipeline': like['pipeline'],
        **chosen,
    }


def _mixture(
    base: Config, photographs: Photographs, recipe: AdaptRecipe, size: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the config of photographs, repeated, among drawn pictures."""
    drawn = _drawn(base)
    share = recipe.synthetic
    if share is None:
        share = SHARE if drawn and photographs.is_like_model else 0.0
    if share and not drawn:
        raise ConfigError(
            'cannot be: the model has learnt from no drawn pictures',
            argument='synthetic',
            value=share,
            advice='Leave it out',
        )
    if 'dataset' not in (base.get('train_dataloader') or {}):
        raise ConfigError(
            'carries a config without training data, whose augmentation would be taken',
            argument='model',
            advice='Take a model of the zoo, or a checkpoint of `cpose train`',
        )
    like = innermost_configs(base.train_dataloader.dataset)[0]
    photos = {**_photographs(like, photographs, photographs.train_root), **size}
    photos['seed'] = recipe.seed
    times = max(1, round((1 - share) * DRAWS / photographs.num_train))
    repeated = {'type': 'RepeatDataset', 'times': times, 'dataset': photos}
    wanted = ceil(times * photographs.num_train * share / (1 - share))
    return {
        DELETE_KEY: True,
        'type': 'ConcatDataset',
        'ignore_keys': ['symmetry', 'eval_num_symmetry'],
        'datasets': [repeated, *_shares(drawn, wanted, photographs.metainfo, size, recipe.seed)],
    }


def _shares(
    drawn: Sequence[Mapping[str, Any]],
    wanted: int,
    metainfo: Mapping[str, Any],
    size: Mapping[str, Any],
    seed: int,
) -> list[dict[str, Any]]:
    """Return the data sets of drawn pictures, each with its share of the wanted number."""
    whole = sum(item['num_images'] for item in drawn)
    pictures = {'image_wh': size['input_wh'], **size} if size else {}
    parts = []
    for number, item in enumerate(drawn):
        count = round(wanted * item['num_images'] / whole)
        category = {'metainfo': {**item['metainfo'], 'category': metainfo['category']}}
        own = {'num_images': count, 'seed': 1000 * seed + 500 + number}
        if count:
            parts.append({**item, **own, **category, **pictures})
    return parts


def _without_downloads(backbone: Mapping[str, Any]) -> dict[str, Any]:
    """Return what keeps a backbone from loading weights that those of the model replace."""
    return {
        key: nothing
        for key, nothing in (('pretrained', False), ('pretrained_path', None))
        if key in backbone
    }
