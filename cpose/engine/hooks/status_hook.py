"""Epochs and their numbers for programs that follow the run."""

import time
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop

from cpose.engine.loops.resumable_loop import counts_iterations
from cpose.engine.status_file import RUNNING, STATUS_NAME, StatusFile
from cpose.evaluation.metric_spec import list_numbers
from cpose.evaluation.metric_table import METRIC_TABLE
from cpose.registry import HOOKS


@HOOKS.register_module()
class StatusHook(Hook):
    """Write a line to ``status.json`` of the work dir after every epoch and validation.

    Its lines come after the checkpoint of the epoch. Epochs are counted
    from 0 to ``max_epoch``, as in TAO, steps from 1. In a training by iterations an epoch is a pass
    over the data, the last one perhaps a part of it.
    """

    priority = 'VERY_LOW'

    def before_train(self, runner: Any) -> None:
        """Start to measure."""
        self._epochs, self._start = 0, time.monotonic()

    def before_train_epoch(self, runner: Any) -> None:
        """Measure the epoch."""
        self._epoch_start, self._first_step = time.monotonic(), runner.iter

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Write a line after a pass over the data of a training by iterations."""
        step = runner.iter + 1
        is_whole = step % len(runner.train_dataloader) == 0
        if counts_iterations(runner) and is_whole and step < runner.max_iters:
            self._write_epoch(runner, step, step - self._first_step)
            self._epoch_start, self._first_step = time.monotonic(), step

    def after_train_epoch(self, runner: Any) -> None:
        """Write mean losses, learning rate and the remaining time."""
        by_iteration = counts_iterations(runner)
        steps = runner.iter - self._first_step if by_iteration else len(runner.train_dataloader)
        if steps:
            self._write_epoch(runner, runner.iter, steps)

    def _write_epoch(self, runner: Any, step: int, steps: int) -> None:
        now = time.monotonic()
        seconds = now - self._epoch_start
        self._epochs += 1
        position = _position(runner, step, runner.epoch)
        left = (now - self._start) / self._epochs * (position['max_epoch'] - position['epoch'])
        _write(
            runner,
            'Train metrics generated.',
            train_kpi(runner, steps),
            **position,
            time_per_epoch=_text(seconds),
            time_per_step=_text(seconds / steps),
            eta=_text(left),
        )

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Write the metrics of validation."""
        is_training = isinstance(runner._train_loop, BaseLoop)
        position = _position(runner, runner.iter, runner.epoch - 1) if is_training else {}
        _write(runner, 'Eval metrics generated.', metrics_kpi(metrics or {}, 'val'), **position)

    def after_test_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Write the metrics of a test."""
        _write(runner, 'Test metrics generated.', metrics_kpi(metrics or {}, 'test'))


def train_kpi(runner: Any, iterations: int) -> dict[str, float]:
    """Return the mean losses over the last iterations and the learning rate."""
    scalars = runner.message_hub.log_scalars
    losses = {
        name.removeprefix('train/'): float(scalars[name].mean(iterations))
        for name in sorted(scalars)
        if name.startswith('train/loss')
    }
    rates = runner.optim_wrapper.get_lr().get('lr', ())
    return {'train_loss': losses.pop('loss', float('nan')), **losses, 'lr': max(rates, default=0.0)}


def metrics_kpi(metrics: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return metrics under TAO's names (``val_3DIoU``, text) and under ours (``val_AP50_3DIoU``).

    TAO writes values as text.

    Args:
        metrics: Values by name, with or without prefix; what is no number is left out.
        stage: 'val' or 'test'.
    """
    plain = {
        name.rpartition('/')[2]: float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float)
    }
    theirs = {
        f'{stage}_{number.status_name}': str(plain[number.key])
        for _, number in list_numbers(METRIC_TABLE)
        if number.status_name and number.key in plain
    }
    return {**theirs, **{f'{stage}_{name}': value for name, value in plain.items()}}


def _write(runner: Any, message: str, kpi: Mapping[str, Any], **values: Any) -> None:
    if is_main_process():
        file = StatusFile(Path(runner.work_dir) / STATUS_NAME)
        file.write(RUNNING, message, kpi, **values)


def _position(runner: Any, step: int, epoch: int) -> dict[str, int]:
    """Return where the training is after a step of an epoch, counted from 0."""
    last = runner.max_epochs - 1
    if counts_iterations(runner):
        length = len(runner.train_dataloader)
        epoch, last = ceil(step / length) - 1, ceil(runner.max_iters / length) - 1
    return {'epoch': epoch, 'step': step, 'max_epoch': last, 'max_step': runner.max_iters}


def _text(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds, 6)))
