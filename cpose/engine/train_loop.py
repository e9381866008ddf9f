"""Training by epochs that can stop after any iteration and go on as if it had not."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce, get_rank, get_world_size
from mmengine.runner import EpochBasedTrainLoop
from torch import Tensor, nn
from torch.utils.data import DataLoader

from cpose.checkpoints.loading import bare_model
from cpose.checkpoints.plain_data import HISTORY_LENGTH
from cpose.engine.resuming import (
    capture_random_state,
    preserved_random_state,
    remaining_loader,
    restore_random_state,
)
from cpose.error_places import ConfigPlace
from cpose.errors import DataError, check_number
from cpose.registry import LOOPS

NO_VALIDATION = 'To train without validation set val_dataloader, val_evaluator and val_cfg to None.'


@LOOPS.register_module()
class ResumableEpochTrainLoop(EpochBasedTrainLoop):
    """MMEngine's loop by epochs, with a state that allows to resume within an epoch.

    Validation and the start of an epoch leave the random generators alone, so the losses do not
    depend on when validation runs or where a run was interrupted. A validation that was due but
    not finished is made up for after resuming. Iterations are counted as those of this run, also
    after resuming with other batches: see `counts_changed`. A training set smaller than a batch is
    used whole.

    Args:
        runner: The runner.
        dataloader: Training data.
        max_epochs: Number of epochs.
        val_begin: First epoch with validation, counted from 1.
        val_interval: Epochs between validations.
        dynamic_intervals: Pairs (epoch, interval) that change ``val_interval`` later on.

    Attributes:
        counts_changed: Whether the resumed run reached this place with another number of
            iterations, because of its batch size, number of processes or data.

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
        numbers = {'max_epochs': max_epochs, 'val_interval': val_interval, 'val_begin': val_begin}
        for name, value in numbers.items():
            advice = NO_VALIDATION if name == 'val_interval' else ''
            least = 0 if name == 'val_begin' else 1
            check_number(name, value, least=least, is_whole=True, advice=advice)
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals)
        _use_small_dataset(self.dataloader)
        self._max_iters = self._max_epochs * len(self.dataloader)
        self._completed_epochs = 0
        self._completed_iters = 0
        self._batches_done = 0
        self._validated_epoch = 0
        self.counts_changed = False
        self._resumed: Mapping[str, Any] | None = None
        self._paused_random_state: dict[str, Any] | None = None

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
        random_state = self._paused_random_state or capture_random_state()
        return {
            **self.progress,
            'images_per_iter': self._images_per_iter(),
            'validated_epoch': self._validated_epoch,
            'random_states': all_gather_object(random_state),
            'gradients': self._unfinished_gradients(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue after the iteration at which `state_dict` was called."""
        self._completed_epochs = self._epoch = state['epoch']
        images_done = state['batches_done'] * state['images_per_iter']
        length = len(self.dataloader)
        self._batches_done = min(images_done // self._images_per_iter(), length)
        self._completed_iters = self._iter = self._epoch * length + self._batches_done
        self.counts_changed = self._iter != state['iter']
        self._validated_epoch = state['validated_epoch']
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
        is_open = self._batches_done == 0 and self._validated_epoch != self._epoch
        if self.runner.val_loop is not None and is_due and is_open:
            self._validated_epoch = self._epoch
            with preserved_random_state() as self._paused_random_state:
                self.runner.val_loop.run()
            self._paused_random_state = None

    def _restore(self) -> None:
        """Put back random generators and gradients of an unfinished accumulation."""
        if self._resumed is None:
            return
        states = self._resumed['random_states']
        if len(states) == get_world_size():
            restore_random_state(states[get_rank()])
        else:
            self.runner.logger.warning(
                f'The checkpoint is of {len(states)} processes, this run has {get_world_size()}: '
                'training goes on, but not with the losses of the uninterrupted run.'
            )
        if self.counts_changed:
            self.runner.logger.warning(
                f'Iteration {self._resumed["iter"]} of the checkpoint is iteration {self._iter} of '
                'this run, because of another batch size, number of processes or data. Schedules '
                'by iteration follow.'
            )
        gradients = {} if self.counts_changed else self._resumed['gradients']
        for name, parameter in bare_model(self.runner.model).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter.device)
        self._resumed = None

    def _unfinished_gradients(self) -> dict[str, Tensor]:
        """Return the gradients accumulated so far, averaged over the ranks."""
        if self.runner.optim_wrapper.should_update():
            return {}
        gradients = {}
        for name, parameter in bare_model(self.runner.model).named_parameters():
            if parameter.grad is not None:
                gradients[name] = parameter.grad.detach().clone()
                all_reduce(gradients[name], op='mean')
        return gradients

    def _images_per_iter(self) -> int:
        batch_size = getattr(self.dataloader.batch_sampler, 'batch_size', None) or 1
        return batch_size * get_world_size()


def _use_small_dataset(loader: DataLoader) -> None:
    """Let a batch be incomplete where otherwise there would be none."""
    if len(loader.dataset) == 0:  # type: ignore[arg-type]
        raise DataError(
            'has no images',
            place=ConfigPlace(('train_dataloader.dataset',), kind='The training set'),
            advice='Check its folder',
        )
    if len(loader) == 0 and isinstance(loader.batch_sampler, torch.utils.data.BatchSampler):
        loader.batch_sampler.drop_last = False
