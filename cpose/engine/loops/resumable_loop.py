"""What training by epochs and by iterations share: a state from which it goes on exactly."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce, get_rank, get_world_size
from mmengine.runner import BaseLoop, IterBasedTrainLoop
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from cpose.checkpoints.loading import bare_model
from cpose.engine.resuming import (
    NEW_RUN,
    capture_random_state,
    preserved_random_state,
    restore_random_state,
)
from cpose.error_places import ConfigPlace
from cpose.errors import CheckpointError, DataError, check_number

NO_VALIDATION = 'To train without validation set val_dataloader, val_evaluator and val_cfg to None.'


class ResumableLoop(BaseLoop):
    """Keep random generators, gradients of an unfinished accumulation, and what was validated.

    Validation and the start of loading leave the random generators alone, so the losses do not
    depend on when validation runs or where a run was interrupted. A validation that was due but
    not finished is made up for after resuming.

    Attributes:
        counts_changed: Whether the resumed run reached this place with another number of
            iterations, because of its batch size, number of processes or data.
    """

    counts_changed = False
    _validated: int = 0
    _completed_iters = 0
    _resumed: Mapping[str, Any] | None = None
    _paused_random_state: dict[str, Any] | None = None

    @property
    @abstractmethod
    def progress(self) -> dict[str, int]:
        """Complete epochs, complete iterations, and batches done of the epoch under way."""

    def common_state(self) -> dict[str, Any]:
        """Return what both kinds of loops keep; to be called on all ranks."""
        random_state = self._paused_random_state or capture_random_state()
        return {
            **self.progress,
            'images_per_iter': self._images_per_iter(),
            'random_states': all_gather_object(random_state),
            'gradients': self._unfinished_gradients(),
        }

    def _validate(self, place: int) -> None:
        """Validate at an epoch or iteration, unless that is done."""
        if self._validated == place:
            return
        before, self._validated = self._validated, place
        try:
            with preserved_random_state() as self._paused_random_state:
                self.runner.val_loop.run()
        except Exception:
            self._validated = before
            raise
        finally:
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
                f'Iteration {self._resumed["iter"]} of the checkpoint is iteration '
                f'{self._completed_iters} of this run, because of another batch size, number of '
                'processes or data. Schedules by iteration follow.'
            )
        same_batches = self._resumed['images_per_iter'] == self._images_per_iter()
        is_whole = same_batches and not self.counts_changed
        gradients = self._resumed['gradients'] if is_whole else {}
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


def check_length(name: str, length: int, val_begin: int, val_interval: int) -> None:
    """Check how long a loop trains, and when it validates.

    Args:
        name: Argument of the length, ``max_epochs`` or ``max_iters``.
        length: How many of these there are.
        val_begin: First of them with validation.
        val_interval: How many of them lie between validations.

    Raises:
        ConfigError: If a number is out of range.
    """
    check_number(name, length, least=1, is_whole=True)
    check_number('val_interval', val_interval, least=1, is_whole=True, advice=NO_VALIDATION)
    check_number('val_begin', val_begin, least=0, is_whole=True)


def use_small_dataset(loader: DataLoader) -> None:
    """Let a batch be incomplete where otherwise there would be none.

    Raises:
        DataError: If there are no images.
    """
    if len(loader.dataset) == 0:  # type: ignore[arg-type]
        raise DataError(
            'has no images',
            place=ConfigPlace(('train_dataloader.dataset',), kind='The training set'),
            advice='Check its folder',
        )
    if len(loader) == 0 and isinstance(loader.batch_sampler, torch.utils.data.BatchSampler):
        loader.batch_sampler.drop_last = False


def counts_iterations(runner: Any) -> bool:
    """Whether the training of a runner goes by iterations instead of epochs."""
    return isinstance(runner.train_loop, IterBasedTrainLoop)


def check_unit(state: Mapping[str, Any], by_epoch: bool) -> None:
    """Refuse the state of a loop of the other kind.

    Args:
        state: What a checkpoint holds of the loop.
        by_epoch: Whether this run goes by epochs.

    Raises:
        CheckpointError: If the other run did not.
    """
    if ('images_done' in state) != by_epoch:
        return
    other, own = ('iterations', 'epochs') if by_epoch else ('epochs', 'iterations')
    raise CheckpointError(
        f'The checkpoint is of a training by {other}, this config trains by {own}',
        advice=(
            'Resume with the same kind of loop',
            NEW_RUN,
        ),
    )


class RemainingBatches(Sampler[Any]):
    """Batch sampler that leaves out the first batches of another one.

    Args:
        batches: Batch sampler of the whole epoch.
        skip: Number of batches left out.
    """

    def __init__(self, batches: Any, skip: int) -> None:
        self.batches = batches
        self.skip = skip

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the remaining batches of sample numbers."""
        return islice(iter(self.batches), self.skip, None)

    def __len__(self) -> int:
        """Return how many batches remain."""
        return max(0, len(self.batches) - self.skip)


def remaining_loader(loader: DataLoader, skip: int) -> DataLoader:
    """Return a loader of the same epoch that begins after ``skip`` batches."""
    if skip == 0:
        return loader
    return changed_loader(loader, loader.dataset, RemainingBatches(loader.batch_sampler, skip))


def changed_loader(loader: DataLoader, dataset: Any, batch_sampler: Any) -> DataLoader:
    """Return a loader with other data and batches, everything else as before."""
    return DataLoader(
        dataset,
        batch_sampler=batch_sampler,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
        in_order=loader.in_order,
    )
