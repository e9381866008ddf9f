"""Write the checkpoint of a training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process

from cpose.checkpoints.checkpoint_file import save_checkpoint_atomic
from cpose.checkpoints.plain_data import to_plain
from cpose.checkpoints.training_state import model_content, scheduler_content


def write_checkpoint(
    runner: Any,
    path: str | Path,
    save_optimizer: bool = True,
    save_param_scheduler: bool = True,
    meta: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint atomically; to be called on all ranks.

    Args:
        runner: Any runner whose training loop is resumable, see `ResumableLoop`.
        path: The file.
        save_optimizer: Without, training cannot be resumed from it.
        save_param_scheduler: Whether to keep the state of the schedules.
        meta: What else to keep.

    Raises:
        OutputError: If it cannot be written; older checkpoints are intact.
    """
    loop_state = runner.train_loop.state_dict()
    if not is_main_process():
        return
    checkpoint = model_content(runner, meta or {})
    if save_optimizer:
        checkpoint['train_loop'] = loop_state
        checkpoint['optimizer'] = runner.optim_wrapper.state_dict()
    if save_param_scheduler and runner.param_schedulers is not None:
        checkpoint['param_schedulers'] = scheduler_content(runner.param_schedulers)
    runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    save_checkpoint_atomic(Path(path), to_plain(checkpoint))
