"""The runner: MMEngine's, with distributed training on CPUs and a console that can be read."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import master_only
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from torch import nn

from cpose.checkpoints.loading import bare_model
from cpose.engine.acceleration import compile_network
from cpose.engine.checkpoint_runner import CheckpointRunner
from cpose.engine.processes import (
    end_workers,
    init_cpu_processes,
    is_of_dead_worker,
    patient_workers,
)
from cpose.engine.run_checks import check_settings
from cpose.engine.written_config import WrittenConfig
from cpose.errors import OutputError
from cpose.files.atomic import write_text_atomic
from cpose.files.outputs import check_output
from cpose.registry import RUNNERS


@RUNNERS.register_module()
class PoseRunner(CheckpointRunner):
    """Runner of this project's trainings and tests.

    Deviation from MMEngine 0.10.7: several processes train on CPUs too (gloo), the console is not
    flooded, processes that load data outlive stop signals and end with the run; see also
    `CheckpointRunner` and `PartBuildingRunner`.
    """

    _timestamp: str
    _timestamps: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_settings(kwargs)
        if isinstance(kwargs.get('cfg'), Config):
            kwargs['cfg'] = WrittenConfig.of(kwargs['cfg'])
        super().__init__(*args, **kwargs)
        for handler, level in self._console_levels:
            handler.setLevel(level)
        self.logger.info(f'Outputs: {self.work_dir}; system, config and hooks: {self.log_dir}')

    def setup_env(self, env_cfg: dict) -> None:
        """Set up processes (gloo on CPUs), threads, and a time stamp, and so a log, of its own.

        ``env_cfg.spare_cores`` processor cores are left to the processes that load data, unless the
        environment has ``OMP_NUM_THREADS``: threads of one operation wait for each other, so the
        network gets slower, not faster, if one of them shares its core.
        """
        if self.distributed:
            timeout = env_cfg.get('dist_cfg', {}).get('timeout', 1800)
            init_cpu_processes(self.launcher, timeout)
        super().setup_env(env_cfg)
        if env_cfg.get('spare_cores') and 'OMP_NUM_THREADS' not in os.environ:
            left = max(1, len(os.sched_getaffinity(0)) - env_cfg['spare_cores'])
            torch.set_num_threads(min(torch.get_num_threads(), left))
        if env_cfg.get('cudnn_deterministic'):
            torch.backends.cudnn.deterministic = True
        repeated = self._timestamps[self._timestamp]
        self._timestamps[self._timestamp] += 1
        if repeated:
            self._timestamp = f'{self._timestamp}_{repeated}'

    def build_logger(
        self, log_level: int | str = 'INFO', log_file: str | None = None, **kwargs: Any
    ) -> MMLogger:
        """Build the log; what MMEngine tells about the system goes to its file only.

        A log that cannot be written is an error of the run, where `logging` prints a traceback.
        """
        logger = super().build_logger(log_level, log_file, **kwargs)
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handleError = _raise_on  # type: ignore[method-assign]
                if handler.stream is not None:  # names of files may hold bytes that are no UTF-8
                    handler.stream.reconfigure(encoding='utf-8', errors='backslashreplace')
        console = [item for item in logger.handlers if not isinstance(item, logging.FileHandler)]
        self._console_levels = [(handler, handler.level) for handler in console]
        for handler, level in self._console_levels:
            handler.setLevel(max(level, logging.WARNING))
        return logger

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Build the optimizer; what MMEngine tells about each parameter goes to the log's file."""
        for handler, _ in self._console_levels:
            handler.setLevel(logging.ERROR)
        try:
            return super().build_optim_wrapper(optim_wrapper)
        finally:
            for handler, level in self._console_levels:
                handler.setLevel(level)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Move the model to its device and wrap it for distributed training.

        A model without parameters, such as an exported file, has nothing to share and stays bare.
        """
        if not self.distributed or is_model_wrapper(model):
            return super().wrap_model(model_wrapper_cfg, model)
        if not any(True for _ in model.parameters()):
            return model.to(get_device())
        if not torch.cuda.is_available() and self.cfg.get('sync_bn') is not None:
            self.logger.warning('sync_bn works on GPUs only; it is left out.')
            self.cfg.sync_bn = None
        config = {
            'type': 'cpose.PoseDistributedDataParallel',
            'broadcast_buffers': False,
            'find_unused_parameters': self.cfg.get('find_unused_parameters', False),
            **(model_wrapper_cfg or {}),
        }
        return super().wrap_model(config, model)

    @master_only
    def dump_config(self) -> None:
        """Write the whole config to the work dir, or beside the log if it was read from there."""
        name = Path(self.cfg.filename or f'{self.timestamp}.py').name
        target = Path(self.work_dir, name)
        try:
            check_output(target)
        except OutputError:
            target = Path(self.log_dir, name)
        write_text_atomic(target, WrittenConfig.of(self.cfg).pretty_text)

    def _maybe_compile(self, target: str) -> None:
        """Compile the network, where MMEngine compiles the training step with all that is in it."""
        compile_network(bare_model(self.model), self.cfg.get('compile'))

    def train(self) -> nn.Module:
        """Train; hooks hear of a process that loads data and died, by ``after_dead_worker``."""
        try:
            with self._ending_workers(), patient_workers():
                return super().train()
        except (RuntimeError, ConnectionError, EOFError) as error:
            if is_of_dead_worker(error):
                self.call_hook('after_dead_worker', error=error)
            raise

    def val(self) -> dict[str, Any]:
        """Validate."""
        with self._ending_workers():
            return super().val()

    def test(self) -> dict[str, Any]:
        """Test."""
        with self._ending_workers():
            return super().test()

    @contextmanager
    def _ending_workers(self) -> Iterator[None]:
        """End the processes that load data after the block."""
        try:
            yield
        finally:
            for loop in (self._train_loop, self._val_loop, self._test_loop):
                end_workers(getattr(loop, 'dataloader', None))


def _raise_on(record: logging.LogRecord) -> None:
    """Raise what a handler of the log is failing at."""
    raise
