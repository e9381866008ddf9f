"""The runner: MMEngine's, with safe checkpoints and distributed training on CPUs."""

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
from mmengine.hooks import EMAHook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, IterBasedTrainLoop, LogProcessor
from torch import nn
from torch.utils.data import DataLoader

from cpose.building import building_part
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.loading import bare_model, load_weights, own_weights
from cpose.checkpoints.training_state import from_plain
from cpose.datasets.base_dataset import CheckedCollate, PoseDataset
from cpose.datasets.draws import inner_configs, nested_datasets
from cpose.engine.acceleration import compile_network
from cpose.engine.checkpoint_list import write_checkpoint
from cpose.engine.part_building import PartBuildingRunner
from cpose.engine.processes import (
    PatientWorker,
    end_workers,
    init_cpu_processes,
    is_of_dead_worker,
    patient_workers,
)
from cpose.engine.resuming import (
    NEW_RUN,
    check_gradients,
    check_optimizer,
    check_restored,
    errors_of_state,
    prepare_resume,
)
from cpose.engine.run_checks import (
    check_loader,
    check_run,
    check_settings,
    check_stored_categories,
    find_loop_type,
)
from cpose.engine.schedules import (
    depends_on_iterations,
    depends_on_results,
    find_changes,
    optimizer_settings,
    replay_schedules,
    restore_settings,
)
from cpose.error_places import ConfigPlace, FilePlace
from cpose.errors import CheckpointError, OutputError, UserError
from cpose.files.atomic import write_text_atomic
from cpose.files.outputs import check_output
from cpose.registry import LOOPS, RUNNERS

MMENGINE_HOOKS = (
    *('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint'),
)
"""Names of the hooks that MMEngine registers unless they are ``None``."""
PIPELINES = ConfigPlace(('*_dataloader.dataset.pipeline',))


@RUNNERS.register_module()
class PoseRunner(PartBuildingRunner):
    """Runner whose checkpoints hold only tensors and primitives and are written atomically.

    Deviation from MMEngine 0.10.7: several processes train on CPUs too (gloo), weights load
    strictly and from the checkpoints of other families, and the state of the training loop is
    saved, see `ResumableEpochTrainLoop`.

    Attributes:
        last_checkpoint: Newest complete checkpoint of the run, or None.
    """

    last_checkpoint: str | None = None
    _timestamp: str
    _timestamps: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_settings(kwargs)
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
        # Laying the text out takes seconds, and few read it.
        plain = Config(self.cfg.to_dict(), format_python_code=False)
        write_text_atomic(target, plain.pretty_text)

    def _maybe_compile(self, target: str) -> None:
        """Compile the network, where MMEngine compiles the training step with all that is in it."""
        compile_network(bare_model(self.model), self.cfg.get('compile'))

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a loader; ``persistent_workers`` counts only if there are workers.

        A data set of data sets is put into `NumberedDraws`. Items of this project's data sets are
        checked before they are collated. Workers leave stop signals to the training.
        """
        with building_part(dataloader):
            if not isinstance(dataloader, DataLoader):
                check_loader(dataloader)
                if not dataloader.get('num_workers'):
                    dataloader = {**dataloader, 'persistent_workers': False}
                dataset = dataloader.get('dataset')
                if isinstance(dataset, dict) and inner_configs(dataset):
                    numbered = {'type': 'cpose.NumberedDraws', 'dataset': dataset}
                    dataloader = {**dataloader, 'dataset': numbered}
            loader = PartBuildingRunner.build_dataloader(dataloader, seed, diff_rank_seed)
        inner = nested_datasets(loader.dataset)
        pipelines = [item.pipeline for item in inner if isinstance(item, PoseDataset)]
        if pipelines:
            loader.collate_fn = CheckedCollate(loader.collate_fn, pipelines, PIPELINES)
        loader.worker_init_fn = PatientWorker(loader.worker_init_fn)
        return loader

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

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the training loop; in the place of MMEngine's two stand those that resume."""
        given = loop
        if isinstance(loop, dict):
            loop = {**loop, 'type': find_loop_type(loop)}
            loop.pop('by_epoch', None)
        with self._building(given):
            return super().build_train_loop(loop)

    def build_log_processor(self, log_processor: LogProcessor | dict) -> LogProcessor:
        """Build what formats log lines; they count what the training counts."""
        if isinstance(log_processor, dict) and self._counts_iterations():
            log_processor = {**log_processor, 'by_epoch': False}
        return super().build_log_processor(log_processor)

    def _counts_iterations(self) -> bool:
        loop = self._train_loop
        kind = LOOPS.get(find_loop_type(loop)) if isinstance(loop, dict) else type(loop)
        return isinstance(kind, type) and issubclass(kind, IterBasedTrainLoop)

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Register hooks by name; ``None`` leaves one out."""
        given = (hooks or {}).items()
        kept = {name: hook for name, hook in given if hook is not None or name in MMENGINE_HOOKS}
        if self._counts_iterations() and isinstance(kept.get('logger'), dict):
            kept['logger'] = {'log_metric_by_epoch': False, **kept['logger']}
        super().register_default_hooks(kept)

    def load_or_resume(self) -> None:
        """Load what the config says, once everything is built and fits each other."""
        check_run(self)
        super().load_or_resume()

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
        with errors_of_state(filename):
            try:
                super().resume(filename, resume_optimizer, resume_param_scheduler, 'cpu')
            except ValueError as error:
                if isinstance(error, UserError):
                    raise
                raise CheckpointError(
                    f'cannot be resumed with this config: {error}',
                    place=FilePlace(filename),
                    advice=NEW_RUN,
                ) from error
            check_restored(self.optim_wrapper, self.param_schedulers, filename)
            self._follow_config(filename)

    def _follow_config(self, filename: str) -> None:
        """Train on as this config says, where the run that wrote the checkpoint had another."""
        changes = self._changes
        if changes:
            self.logger.warning(
                'The config has changed since %s was written, and holds from here on: %s.',
                filename,
                '; '.join(map(str, changes)),
            )
        if depends_on_results(self.param_schedulers):
            changes = [change for change in changes if not change.is_length]
        if changes:
            restore_settings(self.optim_wrapper, self._settings)
            replay_schedules(self, 'another schedule or optimizer')
        elif self.train_loop.counts_changed and depends_on_iterations(self.param_schedulers):
            replay_schedules(self, 'another number of iterations per epoch')

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = 'cpu',
        strict: bool = True,
        revise_keys: list | None = None,
    ) -> dict[str, Any]:
        """Load the weights of a checkpoint of any known family and return its content.

        The file is read on the CPU, keys must agree; other arguments than the name do nothing.

        Raises:
            CheckpointError: If the file cannot be used.
        """
        tensors_only = self.cfg.get('load_tensors_only', False)
        with errors_of_state(filename):
            checkpoint = from_plain(load_checkpoint_file(filename, tensors_only))
        checkpoint['state_dict'] = own_weights(bare_model(self.model), checkpoint, filename)
        if self._resume:
            metainfo = getattr(self.train_dataloader.dataset, 'metainfo', None)
            averages = any(isinstance(hook, EMAHook) for hook in self.hooks)
            prepare_resume(checkpoint, filename, metainfo, averages)
            check_gradients(checkpoint, filename, bare_model(self.model))
            check_optimizer(checkpoint, filename, self.optim_wrapper)
            self._changes = find_changes(self.cfg, checkpoint)
            self._settings = optimizer_settings(self.optim_wrapper)
            self.train_loop.load_state_dict(checkpoint['train_loop'])
            checkpoint['meta'].update(self.train_loop.progress)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_weights(bare_model(self.model), checkpoint, filename)
        check_stored_categories(self, checkpoint, filename, self._resume)
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

        Without ``save_optimizer`` training cannot be resumed from it. The loop knows its progress,
        so ``by_epoch`` does nothing, nor do the arguments for remote storage.

        Raises:
            OutputError: If it cannot be written; older checkpoints are intact.
        """
        path = Path(out_dir) / filename
        write_checkpoint(self, path, save_optimizer, save_param_scheduler, meta)


def _raise_on(record: logging.LogRecord) -> None:
    """Raise what a handler of the log is failing at."""
    raise
