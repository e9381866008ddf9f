"""Checkpoints by epoch and iteration, and the best one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop

from cpose.checkpoints.checkpoint_file import CONTINUE, LAST_CHECKPOINT
from cpose.engine.checkpoint_list import CheckpointList, find_score, is_better
from cpose.errors import ConfigError, check_number
from cpose.files.atomic import remove_unfinished, write_text_atomic
from cpose.registry import HOOKS


@HOOKS.register_module()
class AtomicCheckpointHook(Hook):
    """Save ``epoch_<n>.pth``, ``iter_<n>.pth`` within epochs, and ``best_<metric>_epoch_<n>.pth``.

    An old checkpoint is removed only after the new one and the file ``last_checkpoint`` that names
    it are complete, so there is always a complete one to resume from.

    Args:
        interval: Epochs between checkpoints.
        iter_interval: Iterations between checkpoints within an epoch; ``None`` for none.
        keep_last: How many checkpoints by epoch are kept; -1 keeps all. Those within an epoch are
            replaced by the next one.
        save_best: Metric whose best checkpoint is kept; ``None`` for none.
        rule: 'greater' or 'less' is better.

    Raises:
        ConfigError: If an argument is out of range.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        interval: int = 1,
        iter_interval: int | None = None,
        keep_last: int = 3,
        save_best: str | None = 'AP50_3DIoU',
        rule: str = 'greater',
    ) -> None:
        if rule not in ('greater', 'less'):
            raise ConfigError('must be greater or less', argument='rule', value=rule)
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

    def before_train(self, runner: Any) -> None:
        """Tidy up after killed runs; forget the files of a run that another folder has."""
        if is_main_process():
            remove_unfinished(runner.work_dir)
        resumed = runner.last_checkpoint
        if resumed and Path(resumed).resolve().parent != Path(runner.work_dir).resolve():
            CheckpointList(runner.message_hub).clear()
            runner.message_hub.update_info_dict({'best_score': None, 'best_checkpoint': None})

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Save within an epoch."""
        at_end = self.end_of_epoch(runner.train_dataloader, batch_idx)
        if (
            self.iter_interval
            and not at_end
            and self.every_n_train_iters(runner, self.iter_interval)
        ):
            self.save(runner)

    def after_train_epoch(self, runner: Any) -> None:
        """Save after an epoch."""
        if self.every_n_epochs(runner, self.interval) or self.is_last_train_epoch(runner):
            self.save(runner)

    def save(self, runner: Any) -> Path:
        """Save everything now and return the file; to be called on all ranks."""
        name = self.file_name(runner.train_loop.progress)
        path = Path(runner.work_dir) / name
        files = CheckpointList(runner.message_hub)
        files.add(name)
        runner.save_checkpoint(runner.work_dir, name)
        runner.last_checkpoint = str(path)
        if is_main_process():
            write_text_atomic(path.with_name(LAST_CHECKPOINT), str(path), CONTINUE)
        for old in self.outdated(files):
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

    def best_file_name(self, epoch: int) -> str:
        """Return the name of the best checkpoint, after an epoch counted from 1."""
        return f'best_{self.save_best}_epoch_{epoch}.pth'

    def outdated(self, files: CheckpointList) -> list[str]:
        """Return the files that may be removed."""
        return files.outdated(self.keep_last)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Save the weights if they are the best so far; let the checkpoint of this epoch know."""
        if not metrics or not isinstance(runner._train_loop, BaseLoop):
            return
        if self.save_best:
            self._save_best(runner, find_score(metrics, self.save_best))
        name = self.file_name(runner.train_loop.progress)
        if name in CheckpointList(runner.message_hub):
            runner.save_checkpoint(runner.work_dir, name)

    def _save_best(self, runner: Any, score: float) -> None:
        if not is_better(score, runner.message_hub.get_info('best_score'), self.rule):
            return
        hub = runner.message_hub
        old = hub.get_info('best_checkpoint')
        name = self.best_file_name(runner.epoch)
        hub.update_info('best_score', score)
        hub.update_info('best_checkpoint', name)
        weights_only = {'save_optimizer': False, 'save_param_scheduler': False}
        runner.save_checkpoint(runner.work_dir, name, **weights_only)
        runner.logger.info(f'Best {self.save_best} so far: {score:.4f}, saved as {name}')
        if old and old != name and is_main_process():
            (Path(runner.work_dir) / old).unlink(missing_ok=True)
