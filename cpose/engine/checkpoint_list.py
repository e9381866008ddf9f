"""Which checkpoints a run has written; kept in the message hub and so in the checkpoints."""

from collections.abc import Iterable, Mapping
from math import isnan
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.logging import MessageHub

from cpose.checkpoints.checkpoint_file import save_checkpoint_atomic
from cpose.checkpoints.training_state import model_content, scheduler_content, to_plain
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError
from cpose.evaluation.metric_table import find_number

KEY = 'checkpoint_files'


class CheckpointList:
    """Names of the checkpoint files of a run, oldest first.

    Args:
        hub: Where the list is kept.
    """

    def __init__(self, hub: MessageHub) -> None:
        self._hub = hub

    @property
    def names(self) -> list[str]:
        """Names, oldest first."""
        return list(self._hub.get_info(KEY, []))

    def __contains__(self, name: str) -> bool:
        """Whether a file is in the list."""
        return name in self.names

    def add(self, name: str) -> None:
        """Add a file as the newest."""
        self._hub.update_info(KEY, [*(item for item in self.names if item != name), name])

    def discard(self, name: str) -> None:
        """Remove a file from the list."""
        self._hub.update_info(KEY, [item for item in self.names if item != name])

    def clear(self) -> None:
        """Remove all files from the list."""
        self._hub.update_info(KEY, [])

    def outdated(self, keep_last: int, by_epoch: bool = True) -> list[str]:
        """Return what may be removed from disk.

        Args:
            keep_last: How many checkpoints are kept, -1 for all.
            by_epoch: Whether those by epoch count. Of those within an epoch only the newest is
                kept, until the epoch's own is there.
        """
        names = self.names
        if not by_epoch:
            return names[:-keep_last] if keep_last > 0 else []
        of_epochs = [name for name in names if name.startswith('epoch_')]
        within = [name for name in names[:-1] if not name.startswith('epoch_')]
        return within + (of_epochs[:-keep_last] if keep_last > 0 else [])


def find_score(metrics: Mapping[str, float], name: str) -> float:
    """Return a metric by its name with or without prefix.

    Raises:
        ConfigError: If there is none; the message lists what there is.
    """
    for key, value in metrics.items():
        if name in (key, key.rpartition('/')[2]):
            return float(value)
    raise ConfigError(
        f'is no metric of this run, which has {", ".join(metrics)}',
        argument='save_best',
        value=name,
        place=ConfigPlace(('default_hooks.checkpoint.save_best',)),
        advice='Choose one of these',
    )


def better_rule(name: str, evaluated: Iterable[Any]) -> str:
    """Return the direction of a number: 'greater' or 'less'.

    Args:
        name: Of the number, with or without prefix.
        evaluated: Metrics of the evaluator. Those that tell what they measure, as
            `ObjectronMetric` does, are asked; more is taken as better of numbers of others.
    """
    for evaluation in evaluated:
        found = find_number(name.rpartition('/')[2], getattr(evaluation, 'metrics', ()))
        if found is not None:
            return 'greater' if found[0].is_larger_better(found[1]) else 'less'
    return 'greater'


def is_better(score: float, best: float | None, rule: str) -> bool:
    """Whether a score beats the best so far; NaN never does.

    Args:
        score: New score.
        best: Best so far, None if there is none.
        rule: 'greater' or 'less'.
    """
    if isnan(score):
        return False
    return best is None or (score > best if rule == 'greater' else score < best)


def write_checkpoint(
    runner: Any,
    path: str | Path,
    save_optimizer: bool = True,
    save_param_scheduler: bool = True,
    meta: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint atomically; to be called on all ranks.

    Args:
        runner: Any runner whose training loop is resumable, see `ResumableLoop`.
        path: The file.
        save_optimizer: Without, training cannot be resumed from it.
        save_param_scheduler: Whether to keep the state of the schedules.
        meta: What else to keep.

    Raises:
        OutputError: If it cannot be written; older checkpoints are intact.
    """
    loop_state = runner.train_loop.state_dict()
    if not is_main_process():
        return
    checkpoint = model_content(runner, meta or {})
    if save_optimizer:
        checkpoint['train_loop'] = loop_state
        checkpoint['optimizer'] = runner.optim_wrapper.state_dict()
    if save_param_scheduler and runner.param_schedulers is not None:
        checkpoint['param_schedulers'] = scheduler_content(runner.param_schedulers)
    runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    save_checkpoint_atomic(Path(path), to_plain(checkpoint))
