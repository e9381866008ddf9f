"""Schedules of a resumed run whose iterations are of another length than before."""

import warnings
from typing import Any

from cpose.errors import CheckpointError


def replay_schedules(runner: Any) -> None:
    """Bring the schedules to where they would be had every iteration been one of this run.

    Their stored state fits neither the lengths that follow from the config now, nor the recursions
    by which MMEngine computes a value from the one before. So they are built anew, from the
    initial values of the optimizer, and stepped to the present place. Schedules that count epochs
    only stay as they are.

    Args:
        runner: A runner that has loaded a checkpoint.

    Raises:
        CheckpointError: If a schedule follows validation results, which cannot be repeated.
    """
    schedules = _flat(runner.param_schedulers)
    if all(schedule.by_epoch for schedule in schedules):
        return
    if any(getattr(schedule, 'need_val_args', False) for schedule in schedules):
        raise CheckpointError(
            f'Checkpoint {runner.last_checkpoint} cannot be resumed with another number of '
            'iterations per epoch: the config key param_scheduler has schedules by iteration and '
            'by validation results. Resume with the batch size, processes and data as before.'
        )
    for schedule in schedules:
        name = schedule.param_name
        for group in schedule.optimizer.param_groups:
            group[name] = group.get(f'initial_{name}', group[name])
    runner.param_schedulers = runner.build_param_scheduler(runner.cfg.param_scheduler)
    _step_to(runner.train_loop, _flat(runner.param_schedulers))


def _flat(schedules: Any) -> list[Any]:
    """Return the schedules of one optimizer or of several, by name, as one list."""
    if isinstance(schedules, dict):
        return [schedule for items in schedules.values() for schedule in items]
    return list(schedules or ())


def _step_to(loop: Any, schedules: list[Any]) -> None:
    by_epoch = [schedule for schedule in schedules if schedule.by_epoch]
    by_iter = [schedule for schedule in schedules if not schedule.by_epoch]
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Detected call of `scheduler.step')
        for _ in range(loop.epoch):
            _step(by_iter, times=len(loop.dataloader))
            _step(by_epoch, times=1)
        _step(by_iter, times=loop.progress['batches_done'])


def _step(schedules: list[Any], times: int) -> None:
    for _ in range(times):
        for schedule in schedules:
            schedule.step()
