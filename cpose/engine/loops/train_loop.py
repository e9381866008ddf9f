"""Training by epochs that can stop after any iteration and go on as if it had not."""

from collections.abc import Mapping
from typing import Any

from mmengine.runner import EpochBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from cpose.checkpoints.training_state import HISTORY_LENGTH
from cpose.engine.loops.resumable_loop import (
    ResumableLoop,
    check_length,
    check_unit,
    remaining_loader,
    use_small_dataset,
)
from cpose.engine.processes import notice_deaths_between_iterations
from cpose.engine.resuming import preserved_random_state
from cpose.registry import LOOPS


@LOOPS.register_module()
class ResumableEpochTrainLoop(ResumableLoop, EpochBasedTrainLoop):
    """MMEngine's loop by epochs, with a state that allows to resume within an epoch.

    See `ResumableLoop`. Iterations are counted as those of this run, also after resuming with other
    batches: see `counts_changed`. A training set smaller than a batch is used whole.

    Args:
        runner: The runner.
        dataloader: Training data.
        max_epochs: Number of epochs.
        val_begin: First epoch with validation, counted from 1.
        val_interval: Epochs between validations.
        dynamic_intervals: Pairs (epoch, interval) that change ``val_interval`` later on.

    Raises:
        ConfigError: If a number is out of range.
        DataError: If there are no training images.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ) -> None:
        check_length('max_epochs', max_epochs, val_begin, val_interval)
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals)
        use_small_dataset(self.dataloader)
        self._max_iters = self._max_epochs * len(self.dataloader)
        self._completed_epochs = 0
        self._batches_done = 0

    @property
    def progress(self) -> dict[str, int]:
        """Complete epochs, complete iterations, and batches done of the epoch under way."""
        return {
            'epoch': self._completed_epochs,
            'iter': self._completed_iters,
            'batches_done': self._batches_done,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what resuming needs besides weights and optimizer; to be called on all ranks."""
        return {**self.common_state(), 'validated_epoch': self._validated}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue after the iteration at which `state_dict` was called."""
        check_unit(state, by_epoch=True)
        self._completed_epochs = self._epoch = state['epoch']
        images_done = state['batches_done'] * state['images_per_iter']
        length = len(self.dataloader)
        self._batches_done = min(images_done // self._images_per_iter(), length)
        self._completed_iters = self._iter = self._epoch * length + self._batches_done
        self.counts_changed = self._iter != state['iter']
        self._validated = state['validated_epoch']
        self._resumed = state

    def run(self) -> nn.Module:
        """Train, from the start or from where `load_state_dict` says."""
        self.runner.call_hook('before_train')
        self._restore()
        self._validate_if_due()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train on what remains of the epoch."""
        skip = self._batches_done
        with preserved_random_state():
            self.runner.call_hook('before_train_epoch')
            batches = iter(remaining_loader(self.dataloader, skip))
            notice_deaths_between_iterations()
        self.runner.model.train()
        for index, batch in enumerate(batches, start=skip):
            self.run_iter(index, batch)
        self._completed_epochs = self._epoch + 1
        self._batches_done = 0
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
        for history in self.runner.message_hub.log_scalars.values():
            history.max_length = HISTORY_LENGTH

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Train on one batch, the ``idx``-th of the epoch."""
        self.runner.call_hook('before_train_iter', batch_idx=idx, data_batch=data_batch)
        outputs = self.runner.model.train_step(data_batch, optim_wrapper=self.runner.optim_wrapper)
        self._completed_iters = self._iter + 1
        self._batches_done = idx + 1
        self.runner.call_hook(
            'after_train_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs
        )
        self._iter += 1

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        is_due = self._epoch >= self.val_begin and (
            self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        )
        if self.runner.val_loop is not None and is_due and self._batches_done == 0:
            self._validate(self._epoch)
