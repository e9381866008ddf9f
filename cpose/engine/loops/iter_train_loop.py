"""Training by iterations that can stop after any of them and go on as if it had not."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.dist import get_rank, get_world_size
from mmengine.runner import BaseLoop, IterBasedTrainLoop
from mmengine.runner.utils import calc_dynamic_intervals
from torch import nn
from torch.utils.data import DataLoader, Sampler

from cpose.checkpoints.training_state import HISTORY_LENGTH
from cpose.datasets.draws import NumberedDraws
from cpose.engine.loops.resumable_loop import (
    ResumableLoop,
    changed_loader,
    check_length,
    check_unit,
    use_small_dataset,
)
from cpose.engine.processes import notice_deaths_between_iterations
from cpose.engine.resuming import preserved_random_state
from cpose.registry import LOOPS


@LOOPS.register_module()
class ResumableIterTrainLoop(ResumableLoop, IterBasedTrainLoop):
    """MMEngine's loop by iterations, with a state that allows to resume after any iteration.

    See `ResumableLoop`. A sampler that ends is started anew, and each pass over the data has its
    own augmentation and fresh images. After resuming, the data go on at the image after the last
    one, also with other batches, and the iterations as they were counted.

    Deviation from MMEngine 0.10.7: skipped data are not loaded, and the start of another pass does
    not wait.

    Args:
        runner: The runner.
        dataloader: Training data.
        max_iters: Number of iterations.
        val_begin: First iteration with validation, counted from 1.
        val_interval: Iterations between validations.
        dynamic_intervals: Pairs (iteration, interval) that change ``val_interval`` later on.

    Raises:
        ConfigError: If a number is out of range.
        DataError: If there are no training images.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ) -> None:
        check_length('max_iters', max_iters, val_begin, val_interval)
        # MMEngine's own constructor starts to load at once, and so takes data from the sampler.
        BaseLoop.__init__(self, runner, dataloader)
        use_small_dataset(self.dataloader)
        self._max_iters, self._max_epochs = max_iters, 1
        self._iter = self._epoch = self._images_done = 0
        self.val_begin, self.val_interval = val_begin, val_interval
        self.stop_training = False
        self.dynamic_milestones, self.dynamic_intervals = calc_dynamic_intervals(
            val_interval, dynamic_intervals
        )
        runner.visualizer.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)

    @property
    def progress(self) -> dict[str, int]:
        """No complete epoch, complete iterations, and batches done, which are the same."""
        return {'epoch': 0, 'iter': self._completed_iters, 'batches_done': self._completed_iters}

    def state_dict(self) -> dict[str, Any]:
        """Return what resuming needs besides weights and optimizer; to be called on all ranks."""
        own = {'images_done': self._images_done, 'validated_iter': self._validated}
        return {**self.common_state(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue after the iteration at which `state_dict` was called."""
        check_unit(state, by_epoch=False)
        self._completed_iters = self._iter = state['iter']
        self._images_done = state['images_done']
        self._validated = state['validated_iter']
        self._resumed = state

    def run(self) -> nn.Module:
        """Train, from the start or from where `load_state_dict` says."""
        self.runner.call_hook('before_train')
        self._restore()
        with preserved_random_state():
            self.runner.call_hook('before_train_epoch')
            batches = iter(self._endless_loader())
            notice_deaths_between_iterations()
        self._validate_if_due()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._validate_if_due()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_iter(self, data_batch: Any) -> None:
        """Train on one batch."""
        place = {'batch_idx': self._iter, 'data_batch': data_batch}
        self.runner.call_hook('before_train_iter', **place)
        outputs = self.runner.model.train_step(data_batch, optim_wrapper=self.runner.optim_wrapper)
        self._completed_iters = self._iter + 1
        self._images_done += self._images_per_iter()
        self.runner.call_hook('after_train_iter', **place, outputs=outputs)
        self._iter += 1
        if self._iter % HISTORY_LENGTH == 0:
            for history in self.runner.message_hub.log_scalars.values():
                history.max_length = HISTORY_LENGTH

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        is_due = self._iter >= max(self.val_begin, 1) and (
            self._iter % self.val_interval == 0 or self._iter == self._max_iters
        )
        if self.runner.val_loop is not None and is_due:
            self._validate(self._iter)

    def _endless_loader(self) -> DataLoader:
        """Return a loader of all batches that remain of the run."""
        loader = self.dataloader
        skip = self._images_done // self._images_per_iter()
        batches = EndlessBatches(loader.batch_sampler, len(loader.dataset), skip)
        batches.count = self._max_iters - self._iter
        is_numbered = isinstance(loader.dataset, NumberedDraws)
        dataset = loader.dataset if is_numbered else NumberedDraws(loader.dataset)
        return changed_loader(loader, dataset, batches)


class EndlessBatches(Sampler[Any]):
    """Batch sampler that goes on with the next pass over the data where another one ends.

    Numbers of images are those of `NumberedDraws`. A pass ends where the sampler does, or, if that
    is endless, after as many draws of all processes as there are images.

    Args:
        batches: Batch sampler of one pass, or of endlessly many.
        length: Number of images.
        skip: Number of batches left out at the start.

    Attributes:
        count: How many batches there are.
    """

    def __init__(self, batches: Any, length: int, skip: int = 0) -> None:
        self.batches = batches
        self.length = length
        self.skip = skip
        self.count = 0

    def __len__(self) -> int:
        """Return how many batches there are."""
        return self.count

    def __iter__(self) -> Iterator[list[int]]:
        """Iterate over batches of numbers of draws."""
        all_batches = self._batches()
        for _ in range(self.skip):
            next(all_batches)
        for _ in range(self.count):
            yield next(all_batches)

    def _batches(self) -> Iterator[list[int]]:
        restarts = 0
        while True:
            drawn = get_rank()
            for batch in self.batches:
                numbers = []
                for index in batch:
                    numbers.append(index + (restarts + drawn // self.length) * self.length)
                    drawn += get_world_size()
                yield numbers
            restarts += 1
            set_epoch = getattr(getattr(self.batches, 'sampler', None), 'set_epoch', None)
            if set_epoch is not None:
                set_epoch(restarts)
