"""Tell the training data which epoch it is."""

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook

from cpose.registry import HOOKS


@HOOKS.register_module()
class DatasetEpochHook(Hook):
    """Call ``set_epoch`` of the training data before every epoch.

    Augmentation is seeded by epoch and image, so every epoch differs and a resumed one does not.
    Data sets inside wrappers (attributes ``dataset``, ``datasets``) are told too. With persistent
    workers the data set must keep the epoch in shared memory, as `PoseDataset` does.
    """

    priority = 'NORMAL'

    def before_train_epoch(self, runner: Any) -> None:
        """Pass the epoch on."""
        for dataset in _nested(runner.train_dataloader.dataset):
            if hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(runner.epoch)


def _nested(dataset: Any) -> Iterator[Any]:
    yield dataset
    inner = getattr(dataset, 'dataset', None) or getattr(dataset, '_dataset', None)
    for part in [inner] if inner is not None else getattr(dataset, 'datasets', ()):
        yield from _nested(part)
