"""What a checkpoint of a training run holds."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import mmengine
import torch
from mmengine.logging import MessageHub, print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from cpose import __version__
from cpose.checkpoints.loading import bare_model
from cpose.checkpoints.plain_data import plain_items, to_plain
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError

RESUME_KEYS = ('meta', 'message_hub', 'optimizer', 'train_loop')
OPTIMIZER_TYPE = 'optimizer_type'
"""Key in ``meta`` of the name of the optimizer's class."""
UNSAVED_INFO = ('cfg',)
"""Entries of the message hub that the checkpoint holds elsewhere."""


def model_content(runner: Runner, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights and where they come from."""
    own = {
        CONFIG_KEY: config_to_json(runner.cfg),
        'seed': runner.seed,
        'experiment_name': runner.experiment_name,
        'time': time.strftime('%Y%m%d_%H%M%S'),
        'dataset_meta': getattr(runner.train_dataloader.dataset, 'metainfo', None),
        'versions': {
            'cpose': __version__,
            'mmengine': mmengine.__version__,
            'torch': str(torch.__version__),
        },
        OPTIMIZER_TYPE: _optimizer_type(runner.optim_wrapper),
    }
    return {
        'meta': {**own, **runner.train_loop.progress, **meta},
        'state_dict': dict(bare_model(runner.model).state_dict()),
        'message_hub': message_hub_content(runner.message_hub),
    }


def message_hub_content(hub: MessageHub) -> dict[str, Any]:
    """Return the logged numbers and what of the other entries has a plain form."""
    state = hub.state_dict()
    info = plain_items(state['runtime_info'])
    for key in UNSAVED_INFO:
        info.pop(key, None)
    known = {*state['log_scalars'], *info}
    return {
        'log_scalars': state['log_scalars'],
        'runtime_info': info,
        'resumed_keys': {key: on for key, on in state['resumed_keys'].items() if key in known},
    }


def scheduler_content(schedulers: Any) -> Any:
    """Return the states of schedulers, in a dict or list like theirs.

    Functions (the curve of a OneCycleLR) are left out: the config gives them back. So is the end
    of the schedule: MMEngine sets it to the number of epochs, and a run resumed with more of them
    would otherwise keep its last learning rate for ever.
    """
    if isinstance(schedulers, Mapping):
        return {name: scheduler_content(items) for name, items in schedulers.items()}
    states = [scheduler.state_dict() for scheduler in schedulers]
    return [
        {key: value for key, value in state.items() if key != 'end' and not callable(value)}
        for state in states
    ]


def prepare_resume(
    checkpoint: dict[str, Any], filename: str, metainfo: Any, has_averages: bool = False
) -> None:
    """Check that training can be resumed from a checkpoint.

    MMEngine compares the pickles of old and new meta information, which differ for equal content;
    so that it does not warn without reason, equal content is replaced by ``metainfo`` itself.

    Args:
        checkpoint: Its content, changed in place.
        filename: Where it is from, for the message.
        metainfo: Meta information of the training data.
        has_averages: Whether the run averages its weights; if only the other did, there is a
            warning.

    Raises:
        CheckpointError: If it holds weights only.
    """
    missing = [key for key in RESUME_KEYS if key not in checkpoint]
    if missing:
        raise CheckpointError(
            f'holds no {", ".join(missing)}, so training cannot be resumed from it',
            place=FilePlace(filename),
            advice='Set load_from without {resume} to start a new run with its weights',
        )
    if 'ema_state_dict' in checkpoint and not has_averages:
        print_log(
            f'The run that wrote {filename} averaged its weights, but this config has no EMAHook: '
            'training goes on from the averages instead of the trained weights. To continue the '
            "run as it was, add dict(type='EMAHook') to custom_hooks.",
            logger='current',
            level=logging.WARNING,
        )
    if to_plain(metainfo) == to_plain(checkpoint['meta'].get('dataset_meta')):
        checkpoint['meta']['dataset_meta'] = metainfo


def check_optimizer(checkpoint: Mapping[str, Any], filename: str, optim_wrapper: Any) -> None:
    """Check that the state of the optimizer in a checkpoint is one of this optimizer.

    PyTorch replaces the settings of each group by those of the checkpoint, whatever they are.

    Args:
        checkpoint: Its content.
        filename: Where it is from, for the message.
        optim_wrapper: What trains in this run.

    Raises:
        CheckpointError: If it is of another class, or settings are missing.
    """
    kind = _optimizer_type(optim_wrapper)
    groups = checkpoint['optimizer'].get('param_groups')
    if kind is None or not groups:
        return
    stored = checkpoint['meta'].get(OPTIMIZER_TYPE, kind)
    needed = {
        name
        for name, value in optim_wrapper.optimizer.defaults.items()
        if value is not None and not isinstance(value, bool)
    }
    missing = sorted(needed.difference(*groups))
    if stored != kind or missing:
        held = f'has no {", ".join(missing)}' if stored == kind else f'is {stored}'
        raise CheckpointError(
            f'cannot be resumed with the optimizer {kind} (config key '
            f'optim_wrapper.optimizer.type): its optimizer {held}',
            place=FilePlace(filename),
            advice=(
                'Resume with the same one',
                'Set load_from without {resume} to start a new run with its weights',
            ),
        )


def _optimizer_type(optim_wrapper: Any) -> str | None:
    """Return the name of the optimizer's class, None for several optimizers."""
    is_one = isinstance(optim_wrapper, OptimWrapper)
    return type(optim_wrapper.optimizer).__name__ if is_one else None
