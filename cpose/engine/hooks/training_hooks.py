"""Small hooks of a training: the epoch of the data, losses that are no numbers, stop signals."""

import os
import signal
import threading
from math import isfinite
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook

from cpose.datasets.draws import nested_datasets
from cpose.engine.hooks.atomic_checkpoint_hook import find_saver
from cpose.engine.status_file import NOT_FINITE
from cpose.errors import TrainingError, TrainingInterruptedError
from cpose.registry import HOOKS

SIGNALS = (signal.SIGINT, signal.SIGTERM)
WARNING_SIGNALS = (signal.SIGHUP, signal.SIGUSR1)
"""Of a closed terminal and of schedulers; left alone where somebody uses them, as nohup does."""

FEWER_WORKERS = 'Set train_dataloader.num_workers lower if memory was short'
LOWER_RATE = ('Lower optim_wrapper.optimizer.lr', 'Train without {amp}')


@HOOKS.register_module()
class DatasetEpochHook(Hook):
    """Call ``set_epoch`` of the training data before every epoch.

    Augmentation is seeded by epoch and image, so every epoch differs and a resumed one does not.
    Data sets inside wrappers (attributes ``dataset``, ``datasets``) are told too. With persistent
    workers the data set must keep the epoch in shared memory, as `PoseDataset` does.
    """

    priority = 'NORMAL'

    def before_train_epoch(self, runner: Any) -> None:
        """Pass the epoch on."""
        for dataset in nested_datasets(runner.train_dataloader.dataset):
            if hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(runner.epoch)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop training at the first loss that is not finite, and never save such weights."""

    priority = 'ABOVE_NORMAL'

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Check the losses of this iteration.

        Raises:
            TrainingError: If one is not finite.
        """
        losses = {name: value.item() for name, value in (outputs or {}).items()}
        if all(isfinite(value) for value in losses.values()):
            return
        values = ', '.join(f'{name}={value:.4g}' for name, value in losses.items())
        raise TrainingError(
            f'The loss {NOT_FINITE} at iteration {runner.iter + 1} (epoch {runner.epoch + 1}, '
            f'batch {batch_idx + 1}): {values}. {_last_checkpoint(runner)}',
            value=losses,
            advice=LOWER_RATE,
        )

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Check the weights before they are written.

        Raises:
            TrainingError: If one is not finite.
        """
        for name, value in checkpoint['state_dict'].items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise TrainingError(
                    f'The weight {name} {NOT_FINITE} after iteration {runner.iter + 1}, so it is '
                    f'not saved. {_last_checkpoint(runner)}',
                    advice=LOWER_RATE,
                )


def _last_checkpoint(runner: Any) -> str:
    path = getattr(runner, 'last_checkpoint', None) or runner.message_hub.get_info('last_ckpt')
    return f'Last good checkpoint: {path}.' if path else 'No checkpoint was written before.'


@HOOKS.register_module()
class GracefulStopHook(Hook):
    """Finish the iteration, save and stop at SIGINT, SIGTERM, SIGHUP or SIGUSR1.

    A second SIGINT (Ctrl-C) aborts; ``timeout`` sends its signal twice, so others do not. A signal
    during validation takes effect at its end. In a distributed run a signal to one process stops
    all.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._signal = 0
        self._previous: dict[int, Any] = {}
        self._process = 0

    def before_train(self, runner: Any) -> None:
        """Take over the signals and find who saves, the hook of the run or one for this alone."""
        self._saver = find_saver(runner)
        if threading.current_thread() is threading.main_thread():
            self._process = os.getpid()
            free = [n for n in WARNING_SIGNALS if signal.getsignal(n) == signal.SIG_DFL]
            taken = (*SIGNALS, *free)
            self._previous = {number: signal.signal(number, self._remember) for number in taken}

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Stop if a signal came in."""
        self._stop_if_asked(runner)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Stop if a signal came in during validation."""
        if self._previous:
            self._stop_if_asked(runner)

    def after_dead_worker(self, runner: Any, error: Exception) -> None:
        """Save, if that is possible, when a process that loads data has died.

        Raises:
            TrainingError: Always.
        """
        done = runner.train_loop.progress['iter']
        advice = [FEWER_WORKERS]
        if get_world_size() == 1 and done:
            advice.insert(0, f'Go on from {self._saver.save(runner)} with {{resume}}')
        raise TrainingError(
            f'A process that loads data has ended after iteration {done}: {error}',
            advice=tuple(advice),
        ) from error

    def after_train(self, runner: Any) -> None:
        """Give the signals back."""
        self.close()

    def close(self) -> None:
        """Give the signals back to whom they belonged."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        if self._signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = self._signal or number

    def _stop_if_asked(self, runner: Any) -> None:
        """Save and stop.

        Raises:
            TrainingInterruptedError: If a signal came in.
        """
        number = self._signal
        if get_world_size() > 1:
            flag = torch.tensor(float(number))
            all_reduce(flag, op='max')
            number = int(flag)
        if not number:
            return
        runner.logger.info('Stopping: saving a checkpoint first. Ctrl-C stops at once.')
        path = self._saver.save(runner)
        raise TrainingInterruptedError(number, runner.train_loop.progress['iter'], str(path))
