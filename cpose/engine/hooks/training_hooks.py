"""Small hooks of a training: the epoch of the data, and losses that are no numbers."""

from math import isfinite
from typing import Any

import torch
from mmengine.hooks import Hook

from cpose.datasets.draws import nested_datasets
from cpose.errors import TrainingError
from cpose.registry import HOOKS

LOWER_RATE = ('Lower optim_wrapper.optimizer.lr', 'Train without {amp}')


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
        for dataset in nested_datasets(runner.train_dataloader.dataset):
            if hasattr(dataset, 'set_epoch'):
                dataset.set_epoch(runner.epoch)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop training at the first loss that is not finite, and never save such weights."""

    priority = 'ABOVE_NORMAL'

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Check the losses of this iteration.

        Raises:
            TrainingError: If one is not finite.
        """
        losses = {name: value.item() for name, value in (outputs or {}).items()}
        if all(isfinite(value) for value in losses.values()):
            return
        values = ', '.join(f'{name}={value:.4g}' for name, value in losses.items())
        raise TrainingError(
            f'The loss is not finite at iteration {runner.iter + 1} (epoch {runner.epoch + 1}, '
            f'batch {batch_idx + 1}): {values}. {_last_checkpoint(runner)}',
            value=losses,
            advice=LOWER_RATE,
        )

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Check the weights before they are written.

        Raises:
            TrainingError: If one is not finite.
        """
        for name, value in checkpoint['state_dict'].items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise TrainingError(
                    f'The weight {name} is not finite after iteration {runner.iter + 1}, so it is '
                    f'not saved. {_last_checkpoint(runner)}',
                    advice=LOWER_RATE,
                )


def _last_checkpoint(runner: Any) -> str:
    path = getattr(runner, 'last_checkpoint', None) or runner.message_hub.get_info('last_ckpt')
    return f'Last good checkpoint: {path}.' if path else 'No checkpoint was written before.'
