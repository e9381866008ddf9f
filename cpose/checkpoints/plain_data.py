"""Turn training state into tensors and Python primitives, and back.

What `torch.load(weights_only=True)` accepts without an allow-list is tensors, numbers, strings,
lists, tuples and dicts. Everything else is written as a dict under the key `KIND`.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

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
