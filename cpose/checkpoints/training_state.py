"""What a checkpoint of a training run holds."""

import time
from collections.abc import Mapping
from typing import Any

import mmengine
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from cpose import __version__
from cpose.checkpoints.loading import bare_model
from cpose.checkpoints.plain_data import plain_items
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json

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
        OPTIMIZER_TYPE: optimizer_type(runner.optim_wrapper),
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


def optimizer_type(optim_wrapper: Any) -> str | None:
    """Return the name of the optimizer's class, None for several optimizers."""
    is_one = isinstance(optim_wrapper, OptimWrapper)
    return type(optim_wrapper.optimizer).__name__ if is_one else None
