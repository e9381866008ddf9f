"""Hooks of a short training that starts from a trained model."""

import time
from typing import Any

from mmengine.hooks import Hook
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cpose.checkpoints.loading import bare_model
from cpose.engine.checkpoint_list import better_rule, find_score, is_better
from cpose.errors import check_number
from cpose.registry import HOOKS

BEST, STALE, SECONDS = 'patience_best', 'patience_stale', 'trained_seconds'
"""Where the message hub, and so every checkpoint, keeps what these hooks know."""


@HOOKS.register_module()
class HeadFirstHook(Hook):
    """Train neck and head alone at first, then the backbone too.

    Large errors of a head that meets new pictures would spoil features that are good. The backbone
    is left without gradients then, which makes steps faster. What it froze itself stays frozen.

    Args:
        epochs: Epochs without the backbone; 0 for none.
        freeze_norms: Whether batch norms keep their statistics through the whole training: those of
            a few pictures that are much alike are poor.

    Raises:
        ConfigError: If ``epochs`` is out of range.
    """

    priority = 'NORMAL'

    def __init__(self, epochs: int, freeze_norms: bool = True) -> None:
        check_number('epochs', epochs, least=0, is_whole=True)
        self.epochs, self.freeze_norms = epochs, freeze_norms
        self._waiting: list[nn.Parameter] = []
        self._norms: list[nn.Module] = []

    def before_train(self, runner: Any) -> None:
        """Note which parameters wait, and which batch norms there are."""
        model: Any = bare_model(runner.model)
        self._waiting = [item for item in model.backbone.parameters() if item.requires_grad]
        norms = (item for item in model.modules() if isinstance(item, _BatchNorm))
        self._norms = list(norms) if self.freeze_norms else []

    def before_train_epoch(self, runner: Any) -> None:
        """Let the backbone rest, or wake it."""
        is_awake = runner.epoch >= self.epochs
        for parameter in self._waiting:
            parameter.requires_grad_(is_awake)

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Keep batch norms in evaluation mode, which the loop has just ended."""
        for norm in self._norms:
            norm.eval()

    def after_train(self, runner: Any) -> None:
        """Give back what was changed."""
        for parameter in self._waiting:
            parameter.requires_grad_(True)


@HOOKS.register_module()
class PatienceHook(Hook):
    """End a training whose validation has not become better for some epochs.

    Deviation from MMEngine's ``EarlyStoppingHook``: a resumed run goes on counting.

    Args:
        monitor: Name of a number of the validation; its direction is that of the metric.
        patience: Validations without a gain after which the training ends.

    Raises:
        ConfigError: If ``patience`` is out of range.
    """

    priority = 'LOW'

    def __init__(self, monitor: str, patience: int) -> None:
        check_number('patience', patience, least=1, is_whole=True)
        self.monitor, self.patience = monitor, patience

    def before_train(self, runner: Any) -> None:
        """End at once what had ended before it was resumed."""
        self._end_if_stale(runner)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Count, and end the training when it is time."""
        if not metrics:
            return
        hub = runner.message_hub
        score = find_score(metrics, self.monitor)
        rule = better_rule(self.monitor, runner.val_loop.evaluator.metrics)
        if is_better(score, hub.get_info(BEST), rule):
            hub.update_info(BEST, score)
            hub.update_info(STALE, 0)
        else:
            hub.update_info(STALE, hub.get_info(STALE, 0) + 1)
        self._end_if_stale(runner)

    def _end_if_stale(self, runner: Any) -> None:
        stale = runner.message_hub.get_info(STALE, 0)
        if stale >= self.patience and not runner.train_loop.stop_training:
            runner.logger.info(f'No gain of {self.monitor} in {stale} validations: training ends.')
            runner.train_loop.stop_training = True


@HOOKS.register_module()
class TimeLimitHook(Hook):
    """End a training after the epoch in which its time is over; a resumed run goes on counting.

    Args:
        minutes: Time of training and validation together.

    Raises:
        ConfigError: If ``minutes`` is negative.
    """

    priority = 'LOW'

    def __init__(self, minutes: float) -> None:
        check_number('minutes', minutes, least=0)
        self.minutes = minutes
        self._since = 0.0

    def before_train(self, runner: Any) -> None:
        """Start the clock."""
        self._since = time.monotonic() - runner.message_hub.get_info(SECONDS, 0.0)

    def after_train_epoch(self, runner: Any) -> None:
        """End the training when it is time."""
        seconds = time.monotonic() - self._since
        runner.message_hub.update_info(SECONDS, seconds)
        if seconds >= 60 * self.minutes:
            runner.logger.info(f'{self.minutes:g} minutes are over: training ends.')
            runner.train_loop.stop_training = True
