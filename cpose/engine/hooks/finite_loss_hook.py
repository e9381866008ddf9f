"""Stop when a loss is no number any more."""

from math import isfinite
from typing import Any

import torch
from mmengine.hooks import Hook

from cpose.errors import TrainingError
from cpose.registry import HOOKS


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
            f'The loss is not finite at iteration {runner.iter + 1} '
            f'(epoch {runner.epoch + 1}, batch {batch_idx + 1}): {values}. '
            f'{_last_checkpoint(runner)} Lower optim_wrapper.optimizer.lr, or train without --amp.'
        )

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Check the weights before they are written.

        Raises:
            TrainingError: If one is not finite.
        """
        for name, value in checkpoint['state_dict'].items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise TrainingError(
                    f'Weight {name} is not finite after iteration {runner.iter + 1}, so it is not '
                    f'saved. {_last_checkpoint(runner)} '
                    'Lower optim_wrapper.optimizer.lr, or train without --amp.'
                )


def _last_checkpoint(runner: Any) -> str:
    path = runner.last_checkpoint
    return f'Last good checkpoint: {path}.' if path else 'No checkpoint was written before.'
