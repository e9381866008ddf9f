"""Checkpoints by epoch and iteration, and the best one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from cpose.checkpoints.checkpoint_file import CONTINUE, LAST_CHECKPOINT
from cpose.engine.checkpoint_list import (
    CheckpointList,
    better_rule,
    find_score,
    is_better,
    write_checkpoint,
)
from cpose.engine.loops.resumable_loop import ResumableLoop, counts_iterations
from cpose.engine.pose_runner import PoseRunner
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, check_number
from cpose.evaluation.metric_table import PRIMARY_NUMBER
from cpose.files.atomic import remove_unfinished, write_text_atomic
from cpose.registry import HOOKS


@HOOKS.register_module()
class AtomicCheckpointHook(Hook):
    """Save ``epoch_<n>.pth``, ``iter_<n>.pth`` within epochs, and ``best_<metric>_epoch_<n>.pth``.

    An old checkpoint is removed only after the new one and the file ``last_checkpoint`` that names
    it are complete, so there is always a complete one to resume from. A training by iterations has
    ``iter_<n>.pth`` and ``best_<metric>_iter_<n>.pth`` only.

    It works in MMEngine's own `Runner` too, whose checkpoints are then the same; to resume takes
    `PoseRunner`.

    Args:
        interval: Epochs between checkpoints.
        iter_interval: Iterations between checkpoints within an epoch, or in a training by
            iterations; ``None`` for none.
        keep_last: How many checkpoints by epoch, or of a training by iterations, are kept; -1 keeps
            all. Those within an epoch are replaced by the next one.
        save_best: Metric whose best checkpoint is kept; ``None`` for none.
        rule: 'greater' or 'less' is better; None for the direction of the metric, see
            `better_rule`.

    Raises:
        ConfigError: If an argument is out of range.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        interval: int = 1,
        iter_interval: int | None = None,
        keep_last: int = 3,
        save_best: str | None = PRIMARY_NUMBER,
        rule: str | None = None,
    ) -> None:
        if rule not in ('greater', 'less', None):
            raise ConfigError('must be greater, less or None', argument='rule', value=rule)
        check_number('interval', interval, least=1, is_whole=True)
        if iter_interval is not None:
            check_number('iter_interval', iter_interval, least=1, is_whole=True)
        check_number('keep_last', keep_last, is_whole=True)
        if keep_last == 0:
            raise ConfigError(
                'must not be 0', argument='keep_last', value=keep_last, advice='Use -1 to keep all'
            )
        self.interval, self.iter_interval, self.keep_last = interval, iter_interval, keep_last
        self.save_best, self.rule = save_best, rule

    def before_run(self, runner: Any) -> None:
        """Check that the runner can resume, if it is to.

        Raises:
            ConfigError: If it cannot.
        """
        if getattr(runner, '_resume', False) and not isinstance(runner, PoseRunner):
            raise ConfigError(
                'cannot resume from checkpoints of AtomicCheckpointHook',
                argument='runner_type',
                value=type(runner).__name__,
                place=ConfigPlace(('runner_type',)),
                advice="Set runner_type='cpose.PoseRunner' and build the runner with "
                'RUNNERS.build(cfg)',
            )

    def before_train(self, runner: Any) -> None:
        """Tidy up after killed runs; forget the files of a run that another folder has.

        Raises:
            ConfigError: If the training loop does not keep what resuming needs.
        """
        if not isinstance(runner.train_loop, ResumableLoop):
            raise ConfigError(
                'does not keep what AtomicCheckpointHook saves',
                argument='type',
                value=type(runner.train_loop).__name__,
                place=ConfigPlace(('train_cfg.type',)),
                advice=(
                    'Use ResumableEpochTrainLoop',
                    'ResumableIterTrainLoop',
                    "Set default_hooks.checkpoint=dict(type='CheckpointHook')",
                ),
            )
        if is_main_process():
            remove_unfinished(runner.work_dir)
        resumed = getattr(runner, 'last_checkpoint', None)
        if resumed and Path(resumed).resolve().parent != Path(runner.work_dir).resolve():
            CheckpointList(runner.message_hub).clear()
            runner.message_hub.update_info_dict({'best_score': None, 'best_checkpoint': None})

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Save within an epoch."""
        is_due = self.iter_interval and self.every_n_train_iters(runner, self.iter_interval)
        if is_due and not self.is_end_of_epoch(runner, batch_idx):
            self.save(runner)

    def is_end_of_epoch(self, runner: Any, batch_idx: int) -> bool:
        """Whether a batch is the last one of an epoch; a training by iterations has none."""
        is_last = self.end_of_epoch(runner.train_dataloader, batch_idx)
        return is_last and not counts_iterations(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """Save after an epoch, or at the end of a training by iterations."""
        if self.every_n_epochs(runner, self.interval) or self.is_last_train_epoch(runner):
            self.save_at_end(runner)

    def save_at_end(self, runner: Any) -> None:
        """Save unless a training by iterations has just done so."""
        name = self.file_name(runner.train_loop.progress)
        if not counts_iterations(runner) or name not in CheckpointList(runner.message_hub):
            self.save(runner)

    def save(self, runner: Any) -> Path:
        """Save everything now and return the file; to be called on all ranks."""
        name = self.file_name(runner.train_loop.progress)
        path = Path(runner.work_dir) / name
        files = CheckpointList(runner.message_hub)
        files.add(name)
        self._write(runner, name)
        runner.last_checkpoint = str(path)
        if is_main_process():
            write_text_atomic(path.with_name(LAST_CHECKPOINT), str(path), CONTINUE)
        for old in self.outdated(files, by_epoch=not counts_iterations(runner)):
            files.discard(old)
            if is_main_process():
                path.with_name(old).unlink(missing_ok=True)
        return path

    def file_name(self, progress: Mapping[str, int]) -> str:
        """Return the name of a checkpoint.

        Args:
            progress: See `ResumableEpochTrainLoop.progress`.
        """
        if progress['batches_done']:
            return f'iter_{progress["iter"]}.pth'
        return f'epoch_{progress["epoch"]}.pth'

    def best_file_name(self, number: int, unit: str = 'epoch') -> str:
        """Return the name of the best checkpoint, after an epoch or iteration counted from 1."""
        return f'best_{self.save_best}_{unit}_{number}.pth'

    def outdated(self, files: CheckpointList, by_epoch: bool) -> list[str]:
        """Return the files that may be removed; ``by_epoch`` tells what the training counts."""
        return files.outdated(self.keep_last, by_epoch)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Save the weights if they are the best so far; let the checkpoint of this epoch know."""
        if not metrics or not isinstance(runner._train_loop, BaseLoop):
            return
        if self.save_best:
            rule = self.rule or better_rule(self.save_best, runner.val_loop.evaluator.metrics)
            self._save_best(runner, find_score(metrics, self.save_best), rule)
        name = self.file_name(runner.train_loop.progress)
        if name in CheckpointList(runner.message_hub):
            self._write(runner, name)

    def _write(self, runner: Any, name: str, weights_only: bool = False) -> None:
        if isinstance(runner, Runner) and not isinstance(runner, PoseRunner):
            path = Path(runner.work_dir) / name
            write_checkpoint(runner, path, not weights_only, not weights_only)
        elif weights_only:
            runner.save_checkpoint(
                runner.work_dir, name, save_optimizer=False, save_param_scheduler=False
            )
        else:
            runner.save_checkpoint(runner.work_dir, name)

    def _save_best(self, runner: Any, score: float, rule: str) -> None:
        if not is_better(score, runner.message_hub.get_info('best_score'), rule):
            return
        hub = runner.message_hub
        old = hub.get_info('best_checkpoint')
        if counts_iterations(runner):
            name = self.best_file_name(runner.iter, 'iter')
        else:
            name = self.best_file_name(runner.epoch)
        hub.update_info('best_score', score)
        hub.update_info('best_checkpoint', name)
        self._write(runner, name, weights_only=True)
        runner.logger.info(f'Best {self.save_best} so far: {score:.4f}, saved as {name}')
        if old and old != name and is_main_process():
            (Path(runner.work_dir) / old).unlink(missing_ok=True)


def find_saver(runner: Any) -> AtomicCheckpointHook:
    """Return the hook that saves the checkpoints of a run, or one that saves where none does."""
    savers = (hook for hook in runner.hooks if isinstance(hook, AtomicCheckpointHook))
    return next(savers, None) or AtomicCheckpointHook(keep_last=-1, save_best=None)
