"""What the runner reads from checkpoints and writes to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import EMAHook

from cpose.checkpoints.categories import stored_categories, take_categories
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.loading import bare_model, load_weights, own_weights
from cpose.checkpoints.training_state import from_plain
from cpose.engine.checkpoint_list import write_checkpoint
from cpose.engine.part_building import PartBuildingRunner
from cpose.engine.resuming import (
    NEW_RUN,
    check_gradients,
    check_optimizer,
    check_restored,
    errors_of_state,
    prepare_resume,
)
from cpose.engine.run_checks import categories_to_learn, check_run, check_stored_categories
from cpose.engine.schedules import (
    depends_on_iterations,
    depends_on_results,
    find_changes,
    optimizer_settings,
    replay_schedules,
    restore_settings,
)
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, UserError


class CheckpointRunner(PartBuildingRunner):
    """Runner whose checkpoints hold only tensors and primitives and are written atomically.

    Deviation from MMEngine 0.10.7: weights load strictly and from the checkpoints of other
    families, and the state of the training loop is saved, see `ResumableEpochTrainLoop`.

    Attributes:
        last_checkpoint: Newest complete checkpoint of the run, or None.
    """

    last_checkpoint: str | None = None

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
        learnt = categories_to_learn(self)
        if learnt and not self._resume:
            self._take_categories(checkpoint, learnt)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_weights(bare_model(self.model), checkpoint, filename)
        if self._resume or not learnt:
            check_stored_categories(self, checkpoint, filename)
        self._has_loaded = True
        self.logger.info(f'Loaded checkpoint {filename}')
        return checkpoint

    def _take_categories(self, checkpoint: dict[str, Any], learnt: Sequence[str]) -> None:
        """Change the weights of other categories to those that are learnt."""
        checkpoint['state_dict'], changes = take_categories(
            checkpoint['state_dict'],
            bare_model(self.model).state_dict(),
            stored_categories(checkpoint),
            learnt,
        )
        if changes:
            self.logger.warning('The weights are of other categories. %s.', changes)

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
