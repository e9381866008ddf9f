"""The rest of an epoch, without loading what was already trained on."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from torch.utils.data import DataLoader, Sampler


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
    return DataLoader(
        loader.dataset,
        batch_sampler=RemainingBatches(loader.batch_sampler, skip),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        prefetch_factor=loader.prefetch_factor,
    )
