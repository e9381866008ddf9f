"""Go on in the middle of an epoch: checks, random state, remaining batches."""

import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch.utils.data import DataLoader, Sampler

from cpose.checkpoints.training_state import OPTIMIZER_TYPE, optimizer_type, to_plain
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError

RESUME_KEYS = ('meta', 'message_hub', 'optimizer', 'train_loop')
NEW_RUN = 'Set load_from without {resume} to start a new run with its weights'


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
            advice=NEW_RUN,
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
    kind = optimizer_type(optim_wrapper)
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
            advice=('Resume with the same one', NEW_RUN),
        )


class RemainingBatches(Sampler[Any]):
    """Batch sampler that leaves out the first batches of another one.

    Args:
        batches: Batch sampler of the whole epoch.
        skip: Number of batches left out.
    """

    def __init__(self, batches: Any, skip: int) -> None:
        self.batches = batches
        self.skip = skip

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the remaining batches of sample numbers."""
        return islice(iter(self.batches), self.skip, None)

    def __len__(self) -> int:
        """Return how many batches remain."""
        return max(0, len(self.batches) - self.skip)


def remaining_loader(loader: DataLoader, skip: int) -> DataLoader:
    """Return a loader of the same epoch that begins after ``skip`` batches."""
    if skip == 0:
        return loader
    return changed_loader(loader, loader.dataset, RemainingBatches(loader.batch_sampler, skip))


def changed_loader(loader: DataLoader, dataset: Any, batch_sampler: Any) -> DataLoader:
    """Return a loader with other data and batches, everything else as before."""
    return DataLoader(
        dataset,
        batch_sampler=batch_sampler,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
        in_order=loader.in_order,
    )


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
