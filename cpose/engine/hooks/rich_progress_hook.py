"""A progress bar with the time that is left."""

import logging
import sys
import time
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cpose.engine.loops.resumable_loop import counts_iterations
from cpose.registry import HOOKS

SECONDS_BETWEEN_DRAWINGS = 0.2


@HOOKS.register_module()
class RichProgressHook(Hook):
    """Show epochs, losses and the remaining time on a terminal; elsewhere the log lines suffice.

    It draws between iterations and not from a thread: worker processes are forked meanwhile.

    Args:
        console: Where to draw; default: standard output.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._progress: Progress | None = None
        self._drawn = 0.0
        self._streams: list[tuple[logging.StreamHandler, Any]] = []

    def before_train(self, runner: Any) -> None:
        """Start the bar over all iterations."""
        self._start(runner, _place(runner), runner.max_iters)
        self._update(self._main, completed=runner.iter)

    def before_test(self, runner: Any) -> None:
        """Start the bar of a test."""
        self._start(runner, 'test', len(runner.test_dataloader))

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Advance by one iteration."""
        losses = '  '.join(f'{name} {value.item():.3f}' for name, value in (outputs or {}).items())
        self._update(
            self._main, description=_place(runner), completed=runner.iter + 1, losses=losses
        )

    def before_val_epoch(self, runner: Any) -> None:
        """Show a second bar for validation."""
        if self._progress is not None:
            total = len(runner.val_dataloader)
            self._part = self._progress.add_task('validation', total=total, losses='')

    def after_val_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Advance validation."""
        self._update(self._part, completed=batch_idx + 1)

    def after_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Advance the test."""
        self._update(self._main, completed=batch_idx + 1)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Remove the bar of validation."""
        if self._progress is not None:
            self._progress.remove_task(self._part)

    def after_run(self, runner: Any) -> None:
        """Remove the bar."""
        self.close()

    def close(self) -> None:
        """Remove the bar and give the terminal back to the log."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        for handler, stream in self._streams:
            handler.setStream(stream)
        self._streams = []

    _main = _part = TaskID(0)

    def _start(self, runner: Any, description: str, total: int) -> None:
        if not (self._console.is_terminal and is_main_process()):
            return
        self._progress = Progress(
            *(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn()),
            *(TimeElapsedColumn(), TimeRemainingColumn(), TextColumn('{task.fields[losses]}')),
            console=self._console,
            auto_refresh=False,
        )
        self._progress.start()
        self._main = self._progress.add_task(description, total=total, losses='')
        for handler in runner.logger.handlers:
            if type(handler) is logging.StreamHandler:
                self._streams.append((handler, handler.setStream(sys.stdout)))

    def _update(self, task: TaskID, **values: Any) -> None:
        if self._progress is not None:
            self._progress.update(task, **values)
            if time.monotonic() - self._drawn > SECONDS_BETWEEN_DRAWINGS:
                self._progress.refresh()
                self._drawn = time.monotonic()


def _place(runner: Any) -> str:
    if counts_iterations(runner):
        return 'training'
    return f'epoch {runner.epoch + 1}/{runner.max_epochs}'
