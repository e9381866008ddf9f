"""Checkpoints with the names that TAO gives them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process

from cpose.engine.checkpoint_list import CheckpointList
from cpose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from cpose.errors import ConfigError
from cpose.registry import HOOKS

LATEST = 'centerpose_model_latest.pth'
UNITS = ('epoch', 'step')


@HOOKS.register_module()
class TaoCheckpointHook(AtomicCheckpointHook):
    """Save ``model_epoch_EEE_step_SSSSS.pth`` and link the newest as `LATEST`.

    EEE is the epoch under way, counted from 0, SSSSS the number of complete steps. All are kept.
    The link, like `LAST_CHECKPOINT`, changes only when the file is complete.

    Args:
        interval: Epochs or steps between checkpoints; the end of training is always saved.
        unit: 'epoch' or 'step'.
        save_best: Metric whose best checkpoint is kept; ``None`` for none.
        rule: 'greater' or 'less' is better; None for the direction of the metric.
        best_name: Name of the best one without ending; ``{epoch:03d}`` is its epoch, from 0.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        interval: int = 1,
        unit: str = 'epoch',
        save_best: str | None = None,
        rule: str | None = None,
        best_name: str = 'model_best_{epoch:03d}',
    ) -> None:
        super().__init__(interval, None, -1, save_best, rule)
        if unit not in UNITS:
            raise ConfigError('must be epoch or step', argument='unit', value=unit)
        self.unit, self.best_name = unit, best_name
        try:
            self.best_file_name(1)
        except (KeyError, IndexError, ValueError) as error:
            raise ConfigError(
                f'is no name: {error}',
                argument='best_name',
                value=best_name,
                advice='Use {epoch:03d} for the epoch and nothing else in braces',
            ) from error

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Save within an epoch."""
        is_due = self.unit == 'step' and self.every_n_train_iters(runner, self.interval)
        if is_due and not self.is_end_of_epoch(runner, batch_idx):
            self.save(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """Save after an epoch."""
        if self.unit == 'epoch':
            is_due = self.every_n_epochs(runner, self.interval)
        else:
            is_due = runner.train_loop.progress['iter'] % self.interval == 0
        if is_due or self.is_last_train_epoch(runner):
            self.save_at_end(runner)

    def save(self, runner: Any) -> Path:
        """Save everything now and return the file; to be called on all ranks."""
        path = super().save(runner)
        if is_main_process():
            unfinished = path.with_name(f'.{LATEST}.{os.getpid()}')
            unfinished.unlink(missing_ok=True)
            unfinished.symlink_to(path.name)
            unfinished.replace(path.with_name(LATEST))
        return path

    def file_name(self, progress: Mapping[str, int]) -> str:
        """Return the name of a checkpoint."""
        epoch = progress['epoch'] - (0 if progress['batches_done'] else 1)
        return f'model_epoch_{max(epoch, 0):03d}_step_{progress["iter"]:05d}.pth'

    def best_file_name(self, number: int, unit: str = 'epoch') -> str:
        """Return the name of the best checkpoint, after an epoch or iteration counted from 1."""
        return f'{self.best_name.format(epoch=number - 1)}.pth'

    def outdated(self, files: CheckpointList, by_epoch: bool) -> list[str]:
        """Return nothing: all checkpoints are kept."""
        return []
