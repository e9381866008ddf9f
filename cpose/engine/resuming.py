"""Go on from the state of a training: what is checked of it, and random generators."""

import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log
from mmengine.optim import OptimWrapper
from torch import Tensor

from cpose.checkpoints.training_state import OPTIMIZER_TYPE, optimizer_type, to_plain
from cpose.error_places import FilePlace
from cpose.errors import DAMAGED_FILE_ERRORS, CheckpointError, UserError

RESUME_KEYS = ('meta', 'message_hub', 'optimizer', 'train_loop')
EXECUTED_KEY = 'config'
"""Entry of ``meta`` whose text MMEngine runs as Python when it resumes."""
COUNTS = (
    *('epoch', 'iter', 'batches_done', 'images_per_iter', 'images_done'),
    *('validated_epoch', 'validated_iter'),
)
STATE_KEYS = ('iter', 'images_per_iter', 'random_states', 'gradients')
"""Entries that loops of either kind have written ever since."""
MOST_STEPS = 10**8
"""More are no training, and schedules that are stepped again would take hours."""
SHOWN = 200
NEW_RUN = 'Set load_from without {resume} to start a new run with its weights'


def prepare_resume(
    checkpoint: dict[str, Any], filename: str, metainfo: Any, has_averages: bool = False
) -> None:
    """Check that training can be resumed from a checkpoint.

    MMEngine compares the pickles of old and new meta information, which differ for equal content,
    and does not say what has changed; so it gets ``metainfo`` itself, and changes are told here.

    Args:
        checkpoint: Its content, changed in place.
        filename: Where it is from, for the message.
        metainfo: Meta information of the training data.
        has_averages: Whether the run averages its weights; if only the other did, there is a
            warning.

    Raises:
        CheckpointError: If it holds weights only, or counts or random states are damaged.
    """
    missing = [key for key in RESUME_KEYS if key not in checkpoint]
    if missing:
        raise CheckpointError(
            f'holds no {", ".join(missing)}, so training cannot be resumed from it',
            place=FilePlace(filename),
            advice=NEW_RUN,
        )
    check_training_state(checkpoint, filename)
    checkpoint['meta'].pop(EXECUTED_KEY, None)
    if 'ema_state_dict' in checkpoint and not has_averages:
        print_log(
            f'The run that wrote {filename} averaged its weights, but this config has no EMAHook: '
            'training goes on from the averages instead of the trained weights. To continue the '
            "run as it was, add dict(type='EMAHook') to custom_hooks.",
            logger='current',
            level=logging.WARNING,
        )
    _tell_other_data(to_plain(checkpoint['meta'].get('dataset_meta')), to_plain(metainfo), filename)
    checkpoint['meta']['dataset_meta'] = metainfo


def _tell_other_data(old: Any, new: Any, filename: str) -> None:
    """Warn of meta information that differs from that of a checkpoint."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return
    changed = [
        f'{name} is {new.get(name)!r}, was {old.get(name)!r}'[:SHOWN]
        for name in dict.fromkeys((*new, *old))
        if repr(new.get(name)) != repr(old.get(name))
    ]
    if changed:
        print_log(
            f'The data are described otherwise than those of {filename}, and training goes on with '
            f'{"; ".join(map(str, changed))}.',
            logger='current',
            level=logging.WARNING,
        )


def check_training_state(checkpoint: Mapping[str, Any], filename: str) -> None:
    """Check the state of the loop in a checkpoint, before anything is changed by it.

    Raises:
        CheckpointError: Naming the entry that no training has written.
    """
    for key in RESUME_KEYS:
        if not isinstance(checkpoint[key], Mapping):
            raise _damaged(filename, key, f'is a {type(checkpoint[key]).__name__}')
    state = checkpoint['train_loop']
    for name in STATE_KEYS:
        if name not in state:
            raise _damaged(filename, f'train_loop.{name}', 'is missing')
    for name in COUNTS:
        count = state.get(name, 0)
        is_whole = isinstance(count, int) and not isinstance(count, bool)
        if not is_whole or not 0 <= count <= MOST_STEPS:
            raise _damaged(filename, f'train_loop.{name}', f'is {str(count)[:40]}')
    try:
        with preserved_random_state():
            for random_state in state['random_states']:
                restore_random_state(random_state)
    except DAMAGED_FILE_ERRORS as error:
        raise _damaged(filename, 'train_loop.random_states', f'cannot be used ({error})') from error
    _check_hub(checkpoint['message_hub'], filename)


def _check_hub(hub: Mapping[str, Any], filename: str) -> None:
    """Check what MMEngine and the checkpoint hook take from a message hub.

    Files that are named there may be removed later: they must be in the work dir.
    """
    for part in ('log_scalars', 'runtime_info', 'resumed_keys'):
        entries = hub.get(part)
        if not isinstance(entries, Mapping) or not all(isinstance(key, str) for key in entries):
            raise _damaged(filename, f'message_hub.{part}', 'has no entries by name')
    rules = [('log_scalars', key, HistoryBuffer) for key in hub['log_scalars']]
    rules += [('resumed_keys', key, bool) for key in hub['resumed_keys']]
    for part, key, kind in rules:
        if not isinstance(hub[part][key], kind):
            raise _damaged(filename, f'message_hub.{part}.{key}', f'is no {kind.__name__}')
    for key, is_kept in hub['resumed_keys'].items():
        if not is_kept and (key in hub['log_scalars'] or key in hub['runtime_info']):
            raise _damaged(filename, f'message_hub.resumed_keys.{key}', 'is false of what is kept')
    info = hub['runtime_info']
    names = info.get('checkpoint_files', [])
    best = info.get('best_checkpoint')
    if not isinstance(names, list) or not all(map(_is_file_name, [*names, best or 'x'])):
        raise _damaged(filename, 'message_hub.runtime_info', 'names other files than checkpoints')
    score = info.get('best_score')
    if score is not None and not _is_number(score):
        raise _damaged(filename, 'message_hub.runtime_info.best_score', 'is no finite number')


def _is_file_name(name: Any) -> bool:
    return isinstance(name, str) and PurePath(name).name == name and '\0' not in name


def check_gradients(checkpoint: Mapping[str, Any], filename: str, model: torch.nn.Module) -> None:
    """Check that gradients of an unfinished accumulation in a checkpoint fit the model.

    Raises:
        CheckpointError: If they do not.
    """
    gradients = checkpoint['train_loop'].get('gradients', {})
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    if not isinstance(gradients, Mapping):
        raise _damaged(filename, 'train_loop.gradients', 'are no tensors by name')
    for name, value in gradients.items():
        if name in shapes and getattr(value, 'shape', None) != shapes[name]:
            raise _damaged(filename, f'train_loop.gradients.{name}', 'is of another shape')


def _damaged(filename: str, entry: str, problem: str) -> CheckpointError:
    return CheckpointError(
        f'has a damaged training state: {entry} {problem}',
        place=FilePlace(filename),
        advice=('Resume from an older checkpoint', NEW_RUN),
    )


@contextmanager
def errors_of_state(filename: str) -> Iterator[None]:
    """Turn what damaged state of training raises into an error of the user.

    Raises:
        CheckpointError: In place of anything else than errors of the user and of the system.
    """
    try:
        yield
    except DAMAGED_FILE_ERRORS as error:
        if isinstance(error, UserError):
            raise
        text = f'cannot be restored ({type(error).__name__}: {str(error)[:SHOWN]})'
        raise _damaged(filename, 'it', text) from error


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


def check_restored(optim_wrapper: Any, schedulers: Any, filename: str) -> None:
    """Check what PyTorch and MMEngine take from a checkpoint without a look at it.

    Args:
        optim_wrapper: What trains; its state is restored.
        schedulers: Schedules, restored too; a list or lists by name, or None.
        filename: The checkpoint.

    Raises:
        CheckpointError: If settings or places of a schedule are no numbers, or moments of Adam or
            SGD have another shape than their weights.
    """
    if isinstance(optim_wrapper, OptimWrapper):
        _check_optimizer_state(optim_wrapper.optimizer, filename)
    lists = schedulers.values() if isinstance(schedulers, Mapping) else [schedulers or ()]
    for schedule in (item for items in lists for item in items):
        for name in ('last_step', '_global_step'):
            place = getattr(schedule, name)
            if not isinstance(place, int) or not -1 <= place <= MOST_STEPS:
                raise _damaged(filename, f'param_schedulers {name}', f'is {str(place)[:40]}')
        for name in ('base_values', '_last_value'):
            values = getattr(schedule, name, [])
            if not isinstance(values, list) or not all(map(_is_number, values)):
                raise _damaged(filename, f'param_schedulers {name}', 'are no finite numbers')


def _check_optimizer_state(optimizer: Any, filename: str) -> None:
    for group in optimizer.param_groups:
        for name, default in optimizer.defaults.items():
            if _is_number(default) and not _is_number(group.get(name, default)):
                raise _damaged(filename, f'optimizer {name}', f'is {str(group[name])[:40]}')
    if not isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW | torch.optim.SGD):
        return
    names = {name for state in optimizer.state.values() for name in state}
    if not isinstance(optimizer, torch.optim.SGD):
        names |= {'step', 'exp_avg', 'exp_avg_sq'}
    for parameter, state in optimizer.state.items():
        for name in sorted(names, key=str):
            if not _is_moment(name, state.get(name), parameter):
                problem = 'is missing, infinite, or of another shape than its weight'
                raise _damaged(filename, f'optimizer {name}', problem)


def _is_moment(name: str, value: Any, parameter: Tensor) -> bool:
    """Whether an entry of the state that Adam or SGD keeps of a weight can be used."""
    if name == 'step':
        step = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
        return _is_number(step) and 0 <= step <= MOST_STEPS
    if value is None:
        return name == 'momentum_buffer'
    is_like_weight = isinstance(value, Tensor) and value.shape == parameter.shape
    return is_like_weight and bool(torch.isfinite(value).all())


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and bool(np.isfinite(float(value)))


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
