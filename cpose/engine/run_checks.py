"""What is compared before a run starts: settings, and parts that must fit each other."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from cpose.checkpoints.categories import check_categories, stored_categories
from cpose.checkpoints.loading import bare_model
from cpose.datasets.draws import nested_datasets
from cpose.engine.checkpoint_list import find_score
from cpose.engine.loops.resumable_loop import ResumableLoop
from cpose.engine.schedules import flat_schedules
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, DataError, check_number
from cpose.evaluation.evaluation_symmetry import build_evaluation_symmetry
from cpose.evaluation.objectron_metric import ObjectronMetric

NEEDED_DICTS = ('env_cfg', 'randomness')
DICTS = (*NEEDED_DICTS, 'train_cfg', 'val_cfg', 'test_cfg', 'default_hooks')
PARTS = ('model', 'optim_wrapper', 'log_processor', 'visualizer')
"""What a runner takes as settings or as it is."""
LOG_LEVELS = ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check what the runner reads before it builds anything.

    Args:
        settings: Arguments of the runner.

    Raises:
        ConfigError: If one has no meaning.
    """
    for key in (*DICTS, *PARTS):
        value = settings.get(key, {})
        is_missing = value is None and key in NEEDED_DICTS
        is_other = isinstance(value, PLAIN) if key in PARTS else not isinstance(value, Mapping)
        if is_missing or (value is not None and is_other):
            raise ConfigError(
                'must be a dict of settings', argument=key, value=value, place=ConfigPlace((key,))
            )
    seed = settings.get('randomness', {}).get('seed')
    if seed is not None:
        place = ConfigPlace(('randomness.seed',))
        check_number('seed', seed, least=0, most=2**32 - 1, is_whole=True, place=place)
    _check_clipping(settings.get('optim_wrapper'))
    _check_window(settings.get('log_processor'))
    start = settings.get('load_from')
    if start is not None and not isinstance(start, str | Path):
        raise ConfigError(
            'must be the path or the address of a checkpoint',
            argument='load_from',
            value=start,
            place=ConfigPlace(('load_from',)),
            advice='Set it to None to start without weights',
        )
    level = settings.get('log_level', 'INFO')
    if level not in LOG_LEVELS and not isinstance(level, int):
        raise ConfigError(
            f'is none of {", ".join(LOG_LEVELS)}',
            argument='log_level',
            value=level,
            place=ConfigPlace(('log_level',)),
        )


def _check_clipping(optim_wrapper: Any) -> None:
    """Check the bounds of gradients, which PyTorch looks at in the first step only."""
    clipping = optim_wrapper.get('clip_grad') if isinstance(optim_wrapper, Mapping) else None
    if isinstance(clipping, Mapping):
        for name in {'max_norm', 'clip_value'} & clipping.keys():
            place = ConfigPlace((f'optim_wrapper.clip_grad.{name}',))
            check_number(name, clipping[name], least=0, most=MOST_GRADIENT, place=place)


def _check_window(log_processor: Any) -> None:
    """Check over how many iterations a log is smoothed, which MMEngine looks at later."""
    window = log_processor.get('window_size', 1) if isinstance(log_processor, Mapping) else 1
    place = ConfigPlace(('log_processor.window_size',))
    check_number('window_size', window, least=1, is_whole=True, place=place)


MOST_GRADIENT = 1e30
LOADER_NUMBERS = {
    'num_workers': (0, 1024),
    'batch_size': (1, 10**6),
    'prefetch_factor': (1, 10**6),
    'timeout': (0, 10**6),
    'num_batch_per_epoch': (1, 10**9),
}
"""Least and most of each; more workers than that are a slip, and would take the machine down."""
LOADER_PARTS = ('dataset', 'sampler', 'batch_sampler')
PLAIN = (str, bytes, int, float, list, tuple, set)


def check_loader(loader: Mapping[str, Any]) -> None:
    """Check what a data loader takes from its config without a look at it.

    Args:
        loader: The config; parts may be built already.

    Raises:
        ConfigError: If a number is out of range, or a part is neither a config nor built.
    """
    for name, (least, most) in LOADER_NUMBERS.items():
        if loader.get(name) is not None or name in ('num_workers', 'batch_size'):
            value = loader.get(name, least)
            check_number(name, value, least=least, most=most, is_whole=name != 'timeout')
    if loader.get('timeout') and not loader.get('num_workers'):
        raise ConfigError(
            'needs num_workers of at least 1',
            argument='timeout',
            value=loader['timeout'],
            advice=('Leave it out', 'Set num_workers'),
        )
    for name in LOADER_PARTS:
        part = loader.get(name)
        if isinstance(part, PLAIN) or part == {}:
            raise ConfigError(
                'is no part', argument=name, value=part, advice='Give a dict with a type'
            )
    generator = loader.get('generator')
    if generator is not None and not isinstance(generator, torch.Generator):
        raise ConfigError(
            'is no torch.Generator',
            argument='generator',
            value=generator,
            advice='Set randomness.seed instead',
        )


RESUMABLE_LOOPS = {
    'EpochBasedTrainLoop': 'ResumableEpochTrainLoop',
    'IterBasedTrainLoop': 'ResumableIterTrainLoop',
}
"""What stands for MMEngine's loops; they take the same arguments."""


def find_loop_type(loop: Mapping[str, Any]) -> Any:
    """Return the type of the training loop that a config asks for, or ``by_epoch`` of it.

    Raises:
        ConfigError: If it says neither, or both.
    """
    if ('type' in loop) == ('by_epoch' in loop):
        raise ConfigError(
            'needs type or by_epoch, and not both',
            argument='train_cfg',
            value=dict(loop),
            place=ConfigPlace(('train_cfg',)),
            advice=f'Set type to one of {", ".join(RESUMABLE_LOOPS.values())}',
        )
    by_epoch = 'EpochBasedTrainLoop' if loop.get('by_epoch') else 'IterBasedTrainLoop'
    name = loop.get('type', by_epoch)
    return RESUMABLE_LOOPS.get(name, name) if isinstance(name, str) else name


def check_run(runner: Any) -> None:
    """Refuse a run whose parts do not fit each other.

    Args:
        runner: With the loops of this run built.

    Raises:
        ConfigError: If the training loop cannot be resumed or has no use for a schedule, the number
            of heatmaps is not that of the categories, or evaluation would fail for its settings.
    """
    num_classes = getattr(getattr(bare_model(runner.model), 'head', None), 'num_classes', None)
    for name, loop in _built_loops(runner):
        metainfo = getattr(loop.dataloader.dataset, 'metainfo', None) or {}
        if num_classes is not None and 'category' in metainfo:
            _check_categories(name, metainfo['category'], num_classes)
        check_file_of_runtime(runner.model, metainfo.get('category', ()))
        if name == 'train':
            _check_train_loop(loop, runner.param_schedulers)
            _check_targets(loop.dataloader.dataset)
        else:
            _check_evaluation(loop, metainfo, runner.hooks if name == 'val' else ())


def check_file_of_runtime(model: Any, categories: Sequence[str]) -> None:
    """Compare the names of categories with those in the model file that a runtime opened.

    Raises:
        CheckpointError: If they differ.
    """
    runtime = getattr(bare_model(model), 'runtime', None)
    if runtime is not None:
        check_categories(runtime.metadata.class_names, categories, runtime.path)


def check_stored_categories(runner: Any, checkpoint: Mapping[str, Any], path: str) -> None:
    """Compare the names of categories with those in a checkpoint.

    Raises:
        CheckpointError: If they differ.
    """
    told = stored_categories(checkpoint)
    for _, loop in _built_loops(runner):
        check_categories(told, _categories_of(loop), path)


def categories_to_learn(runner: Any) -> tuple[str, ...]:
    """Return the names of the categories that a run trains, none if it only evaluates."""
    loop = dict(_built_loops(runner)).get('train')
    return () if loop is None else _categories_of(loop)


def _categories_of(loop: Any) -> tuple[str, ...]:
    metainfo = getattr(loop.dataloader.dataset, 'metainfo', None) or {}
    return tuple(metainfo.get('category', ()))


def _built_loops(runner: Any) -> Iterator[tuple[str, Any]]:
    for name in ('train', 'val', 'test'):
        loop = getattr(runner, f'_{name}_loop')
        if isinstance(loop, BaseLoop):
            yield name, loop


def _check_train_loop(loop: Any, schedules: Any) -> None:
    if not isinstance(loop, ResumableLoop):
        raise ConfigError(
            'does not keep what the checkpoints need for resuming',
            argument='type',
            value=type(loop).__name__,
            place=ConfigPlace(('train_cfg.type',)),
            advice=(
                'Use ResumableEpochTrainLoop with max_epochs',
                'ResumableIterTrainLoop with max_iters',
            ),
        )
    if not isinstance(loop, IterBasedTrainLoop):
        return
    for schedule in flat_schedules(schedules):
        if schedule.by_epoch:
            raise ConfigError(
                f'makes {type(schedule).__name__} count epochs, but {type(loop).__name__} counts '
                'iterations, so it would never change anything',
                argument='by_epoch',
                value=True,
                place=ConfigPlace(('param_scheduler',)),
                advice='Set by_epoch=False and give its numbers in iterations',
            )


def _check_targets(dataset: Any) -> None:
    """Look at how many objects of each category are trained on, where the data know it.

    Raises:
        DataError: If there is none at all; a category without any is told in the log.
    """
    parts = [item for item in nested_datasets(dataset) if len(list(nested_datasets(item))) == 1]
    counts = [getattr(item, 'targets_by_label', None) for item in parts]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return
    total = np.sum(known, axis=0)
    if not total.any():
        raise DataError(
            'holds no object that gets a training target: there is none, or all are of classes '
            'left out, or reach behind the camera',
            argument='data_root',
            place=ConfigPlace(('train_dataloader.dataset',)),
            advice='Check the annotations with cpose check-data',
        )
    unseen = [parts[0].metainfo['category'][label] for label in np.flatnonzero(total == 0)]
    if unseen:
        text = f'No object of {", ".join(unseen)} in the training data: it will not be found.'
        print_log(text, logger='current', level=logging.WARNING)


def _check_categories(name: str, categories: Any, num_classes: int) -> None:
    if len(categories) != num_classes:
        raise ConfigError(
            f'does not go with the {len(categories)} names in '
            f'{name}_dataloader.dataset.metainfo.category: {", ".join(categories)}',
            argument='num_classes',
            value=num_classes,
            place=ConfigPlace(('model.head.num_classes',)),
            advice=('Name each category', 'Set num_classes to their number'),
        )


def _check_evaluation(loop: Any, metainfo: Mapping[str, Any], hooks: Iterable[Any]) -> None:
    """Find what would be refused after the first evaluation by `ObjectronMetric`.

    Args:
        loop: Validation or test.
        metainfo: Of its data.
        hooks: Those that read the numbers.
    """
    metrics = loop.evaluator.metrics
    if [type(metric) for metric in metrics] != [ObjectronMetric]:
        return
    symmetries = metainfo.get('symmetry', ()), metainfo.get('eval_num_symmetry', ())
    for symmetry, num_rotations in zip(*symmetries, strict=False):
        build_evaluation_symmetry(symmetry, num_rotations)
    for hook in hooks:
        wanted = getattr(hook, 'save_best', None) or ()
        for name in [wanted] if isinstance(wanted, str) else wanted:
            if name != 'auto':
                find_score(dict.fromkeys(metrics[0].number_names, 0.0), name)
