"""Save before stopping on Ctrl-C or a request to end."""

import os
import signal
import threading
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook

from cpose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from cpose.errors import TrainingInterruptedError
from cpose.registry import HOOKS

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@HOOKS.register_module()
class GracefulStopHook(Hook):
    """Finish the iteration, save and stop at the first SIGINT or SIGTERM; abort at the second.

    A signal during validation takes effect at its end. In a distributed run a signal to one
    process stops all.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._signal = 0
        self._previous: dict[int, Any] = {}
        self._process = 0

    def before_train(self, runner: Any) -> None:
        """Take over the signals and find who saves, the hook of the run or one for this alone."""
        savers = [hook for hook in runner.hooks if isinstance(hook, AtomicCheckpointHook)]
        self._saver = savers[0] if savers else AtomicCheckpointHook(keep_last=-1, save_best=None)
        if threading.current_thread() is threading.main_thread():
            self._process = os.getpid()
            self._previous = {number: signal.signal(number, self._remember) for number in SIGNALS}

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Stop if a signal came in."""
        self._stop_if_asked(runner)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Stop if a signal came in during validation."""
        if self._previous:
            self._stop_if_asked(runner)

    def after_train(self, runner: Any) -> None:
        """Give the signals back."""
        self.close()

    def close(self) -> None:
        """Give the signals back to whom they belonged."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        if self._signal:
            raise KeyboardInterrupt
        self._signal = number

    def _stop_if_asked(self, runner: Any) -> None:
        """Save and stop.

        Raises:
            TrainingInterruptedError: If a signal came in.
        """
        number = self._signal
        if get_world_size() > 1:
            flag = torch.tensor(float(number))
            all_reduce(flag, op='max')
            number = int(flag)
        if not number:
            return
        runner.logger.info('Stopping: saving a checkpoint first. Once more to stop at once.')
        path = self._saver.save(runner)
        raise TrainingInterruptedError(number, runner.train_loop.progress['iter'], str(path))
