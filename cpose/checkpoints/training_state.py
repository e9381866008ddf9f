"""What a checkpoint of a training run holds, as tensors and Python primitives.

What `torch.load(weights_only=True)` accepts without an allow-list is tensors, numbers, strings,
lists, tuples and dicts. Everything else is written as a dict under the key `KIND`.
"""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import mmengine
import numpy as np
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

from cpose import __version__
from cpose.checkpoints.loading import bare_model
from cpose.checkpoints.stored_config import CONFIG_KEY, config_to_json

KIND = '__kind__'
PRIMITIVES = (bool, int, float, str)
HISTORY_LENGTH = 10_000
"""Newest entries kept of every logged scalar; older ones matter to no statistic in use."""


def to_plain(value: Any) -> Any:
    """Return ``value`` as tensors on the CPU and Python primitives.

    Raises:
        TypeError: If there is no plain form.
    """
    if value is None or type(value) in PRIMITIVES:
        return value
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, Counter):
        return {KIND: 'Counter', 'counts': dict(value)}
    if isinstance(value, Mapping):
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [to_plain(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, np.ndarray):
        return {KIND: 'ndarray', 'array': torch.from_numpy(np.ascontiguousarray(value))}
    if isinstance(value, HistoryBuffer):
        return _plain_history(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f'{type(value).__module__}.{type(value).__name__} has no plain form')


def from_plain(value: Any) -> Any:
    """Undo `to_plain`."""
    if isinstance(value, Mapping):
        kind = value.get(KIND)
        if kind == 'HistoryBuffer':
            return HistoryBuffer(value['values'].tolist(), value['counts'].tolist())
        if kind == 'Counter':
            return Counter(value['counts'])
        if kind == 'ndarray':
            return value['array'].numpy()
        return {key: from_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [from_plain(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def plain_items(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that have a plain form; the others are left out."""
    plain = {}
    for key, value in values.items():
        try:
            plain[key] = to_plain(value)
        except TypeError:
            continue
    return plain


def _plain_history(buffer: HistoryBuffer) -> dict[str, Any]:
    values, counts = (array[-HISTORY_LENGTH:] for array in buffer.data)
    return {
        KIND: 'HistoryBuffer',
        'values': torch.from_numpy(np.ascontiguousarray(values)),
        'counts': torch.from_numpy(np.ascontiguousarray(counts)),
    }


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
            'opencv': cv2.__version__,
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
