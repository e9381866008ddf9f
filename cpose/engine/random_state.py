"""State of the random generators of this process as tensors."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def capture_random_state() -> dict[str, Any]:
    """Return the state of Python's, NumPy's and torch's global generators."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    numpy_words = torch.from_numpy(np.asarray(keys).astype(np.int64))
    state: dict[str, Any] = {
        'python': (version, torch.tensor(words, dtype=torch.int64), gauss),
        'numpy': (name, numpy_words, position, has_gauss, cached),
        'torch': torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Undo what happened to the generators since `capture_random_state`."""
    version, words, gauss = state['python']
    random.setstate((version, tuple(words.tolist()), gauss))
    name, keys, position, has_gauss, cached = state['numpy']
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


@contextmanager
def preserved_random_state() -> Iterator[dict[str, Any]]:
    """Leave the generators afterwards as they were before; yields that state."""
    state = capture_random_state()
    try:
        yield state
    finally:
        restore_random_state(state)
