"""The runner: MMEngine's, with safe checkpoints and distributed training on CPUs."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import mmengine
import torch
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from cpose import __version__
from cpose.engine.checkpoint_io import load_checkpoint_file, save_checkpoint_atomic
from cpose.engine.cpu_processes import init_cpu_processes
from cpose.engine.model_weights import find_state_dict, load_weights
from cpose.engine.plain_data import from_plain, plain_items, to_plain
from cpose.engine.stored_config import CONFIG_KEY, config_to_json
from cpose.errors import CheckpointError, UserError
from cpose.registry import RUNNERS

RESUME_KEYS = ('meta', 'message_hub', 'optimizer', 'train_loop')
UNSAVED_INFO = ('cfg',)
"""Entries of the message hub that the checkpoint holds elsewhere."""


@RUNNERS.register_module()
class PoseRunner(Runner):
    """Runner whose checkpoints hold only tensors and primitives and are written atomically.

    Deviation from MMEngine 0.10.7: several processes train on CPUs too (gloo), weights load
    strictly and from the checkpoints of other families, and the state of the training loop is
    saved, see `ResumableEpochTrainLoop`.

    Attributes:
        last_checkpoint: Newest complete checkpoint of the run, or None.
    """

    last_checkpoint: str | None = None
    _timestamps: ClassVar[Counter[str]] = Counter()

    @property
    def bare_model(self) -> nn.Module:
        """The model without its distributed wrapper."""
        return self.model.module if is_model_wrapper(self.model) else self.model

    def setup_env(self, env_cfg: dict) -> None:
        """Set up processes and libraries; without GPUs the processes talk by gloo.

        MMEngine shares log, message hub and log folder between runners of the same second; here
        every runner has its own.
        """
        if self.distributed:
            timeout = env_cfg.get('dist_cfg', {}).get('timeout', 1800)
            init_cpu_processes(self.launcher, timeout)
        super().setup_env(env_cfg)
        repeated = self._timestamps[self._timestamp]
        self._timestamps[self._timestamp] += 1
        if repeated:
            self._timestamp = f'{self._timestamp}_{repeated}'

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Move the model to its device and wrap it for distributed training."""
        if not self.distributed or is_model_wrapper(model):
            return super().wrap_model(model_wrapper_cfg, model)
        if not torch.cuda.is_available() and self.cfg.get('sync_bn') is not None:
            self.logger.warning('sync_bn works on GPUs only; it is left out.')
            self.cfg.sync_bn = None
        config = {
            'type': 'PoseDistributedDataParallel',
            'broadcast_buffers': False,
            'find_unused_parameters': self.cfg.get('find_unused_parameters', False),
            **(model_wrapper_cfg or {}),
        }
        return super().wrap_model(config, model)

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: Any = 'cpu',
    ) -> None:
        """Continue the run that wrote a checkpoint.

        Raises:
            CheckpointError: If it holds no training state, or one of another model or optimizer.
        """
        self._resume = True
        self.last_checkpoint = filename
        try:
            super().resume(filename, resume_optimizer, resume_param_scheduler, 'cpu')
        except ValueError as error:
            if isinstance(error, UserError):
                raise
            raise CheckpointError(
                f'Checkpoint {filename} cannot be resumed with this config: {error}. '
                'To use only its weights set load_from without --resume.'
            ) from error

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = 'cpu',
        strict: bool = True,
        revise_keys: list | None = None,
    ) -> dict[str, Any]:
        """Load the weights of a checkpoint of any known family, strictly.

        Args:
            filename: Checkpoint file.
            map_location: Has no effect, the file is read on the CPU.
            strict: Has no effect, keys must always agree.
            revise_keys: Has no effect, see `cpose.models.checkpoint_keys`.

        Returns:
            The content of the checkpoint.

        Raises:
            CheckpointError: If the file cannot be used.
        """
        checkpoint = from_plain(load_checkpoint_file(filename))
        checkpoint['state_dict'] = find_state_dict(checkpoint, filename)
        if self._resume:
            self._load_loop_state(checkpoint, filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_weights(self.bare_model, checkpoint, filename)
        self._has_loaded = True
        self.logger.info(f'Loaded checkpoint {filename}')
        return checkpoint

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Write a checkpoint atomically; to be called on all ranks.

        Args:
            out_dir: Folder.
            filename: Name of the file.
            file_client_args: Has no effect.
            save_optimizer: Include what resuming needs.
            save_param_scheduler: Include the schedulers.
            meta: Additional facts, tensors and primitives.
            by_epoch: Has no effect, the loop knows its progress.
            backend_args: Has no effect.

        Raises:
            OutputError: If it cannot be written; older checkpoints are intact.
        """
        loop_state = self.train_loop.state_dict()
        if not is_main_process():
            return
        checkpoint = {
            'meta': {**self._meta(), **self.train_loop.progress, **(meta or {})},
            'state_dict': dict(self.bare_model.state_dict()),
            'message_hub': self._message_hub_state(),
        }
        if save_optimizer:
            checkpoint['train_loop'] = loop_state
            checkpoint['optimizer'] = self.optim_wrapper.state_dict()
        if save_param_scheduler and self.param_schedulers is not None:
            checkpoint['param_schedulers'] = _scheduler_states(self.param_schedulers)
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        save_checkpoint_atomic(Path(out_dir) / filename, to_plain(checkpoint))

    def _load_loop_state(self, checkpoint: dict[str, Any], filename: str) -> None:
        missing = [key for key in RESUME_KEYS if key not in checkpoint]
        if missing:
            raise CheckpointError(
                f'Checkpoint {filename} holds no {", ".join(missing)}, so training cannot be '
                'resumed from it. Set load_from to start a new run with its weights.'
            )
        metainfo = getattr(self.train_dataloader.dataset, 'metainfo', None)
        if to_plain(metainfo) == to_plain(checkpoint['meta'].get('dataset_meta')):
            checkpoint['meta']['dataset_meta'] = metainfo
        self.train_loop.load_state_dict(checkpoint['train_loop'])

    def _meta(self) -> dict[str, Any]:
        return {
            CONFIG_KEY: config_to_json(self.cfg),
            'seed': self.seed,
            'experiment_name': self.experiment_name,
            'time': time.strftime('%Y%m%d_%H%M%S'),
            'dataset_meta': getattr(self.train_dataloader.dataset, 'metainfo', None),
            'versions': {
                'cpose': __version__,
                'mmengine': mmengine.__version__,
                'torch': str(torch.__version__),
            },
        }

    def _message_hub_state(self) -> dict[str, Any]:
        state = self.message_hub.state_dict()
        info = {
            key: value for key, value in state['runtime_info'].items() if key not in UNSAVED_INFO
        }
        kept = plain_items(info)
        known = {*state['log_scalars'], *kept}
        return {
            'log_scalars': state['log_scalars'],
            'runtime_info': kept,
            'resumed_keys': {key: on for key, on in state['resumed_keys'].items() if key in known},
        }


def _scheduler_states(schedulers: Any) -> Any:
    if isinstance(schedulers, Mapping):
        return {name: _scheduler_states(items) for name, items in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers]
