"""How the runner builds its parts: loaders, loops, hooks, and what else a config names."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.runner import BaseLoop, IterBasedTrainLoop, LogProcessor, Runner
from torch.utils.data import DataLoader

from cpose.building import building_part, check_type
from cpose.datasets.base_dataset import CheckedCollate, PoseDataset
from cpose.datasets.draws import inner_configs, nested_datasets
from cpose.engine.processes import PatientWorker
from cpose.engine.run_checks import check_loader, find_loop_type
from cpose.error_places import ConfigPlace
from cpose.registry import DATASETS, LOOPS, METRICS

MMENGINE_HOOKS = (
    *('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint'),
)
"""Names of the hooks that MMEngine registers unless they are ``None``."""
PIPELINES = ConfigPlace(('*_dataloader.dataset.pipeline',))


class PartBuildingRunner(Runner):
    """Runner that builds the parts of this project.

    Deviation from MMEngine 0.10.7: errors of building name the part and its key in the config.
    """

    def _building(self, part: Any) -> AbstractContextManager[None]:
        return building_part(part, config=self.cfg)

    def build_visualizer(self, visualizer: Any = None) -> Any:
        """Build the visualizer."""
        with self._building(visualizer):
            return super().build_visualizer(visualizer)

    def build_model(self, model: Any) -> Any:
        """Build the model."""
        with self._building(model):
            return super().build_model(model)

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Build optimizer and wrapper."""
        with self._building(optim_wrapper):
            return super().build_optim_wrapper(optim_wrapper)

    def _build_param_scheduler(self, scheduler: Any, optim_wrapper: Any) -> list[Any]:
        """Build schedules, one after the other."""
        built = []
        for item in scheduler if isinstance(scheduler, Sequence) else [scheduler]:
            with self._building(item):
                built += super()._build_param_scheduler(item, optim_wrapper)
        return built

    def build_evaluator(self, evaluator: Any) -> Evaluator:
        """Build the metrics and what runs them."""
        if isinstance(evaluator, dict) and 'metrics' in evaluator:
            with self._building(evaluator):
                return super().build_evaluator(evaluator)
        if not isinstance(evaluator, dict | list):
            return super().build_evaluator(evaluator)
        items = evaluator if isinstance(evaluator, list) else [evaluator]
        return Evaluator(
            [METRICS.build(item) if isinstance(item, dict) else item for item in items]
        )

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a loader, and its data set through the registry of this project.

        ``persistent_workers`` counts only if there are workers. A data set of data sets is put into
        `NumberedDraws`. Items of this project's data sets are checked before they are collated.
        Workers leave stop signals to the training.
        """
        with building_part(dataloader):
            if not isinstance(dataloader, DataLoader):
                check_loader(dataloader)
                dataloader = _complete(dataloader)
            loader = Runner.build_dataloader(dataloader, seed, diff_rank_seed)
        inner = nested_datasets(loader.dataset)
        pipelines = [item.pipeline for item in inner if isinstance(item, PoseDataset)]
        if pipelines:
            loader.collate_fn = CheckedCollate(loader.collate_fn, pipelines, PIPELINES)
        loader.worker_init_fn = PatientWorker(loader.worker_init_fn)
        return loader

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the training loop; in the place of MMEngine's two stand those that resume."""
        given = loop
        if isinstance(loop, dict):
            loop = {**loop, 'type': find_loop_type(loop)}
            loop.pop('by_epoch', None)
        with self._building(given):
            return super().build_train_loop(loop)

    def build_val_loop(self, loop: Any) -> Any:
        """Build the loop of validation."""
        with self._building(loop):
            return super().build_val_loop(loop)

    def build_test_loop(self, loop: Any) -> Any:
        """Build the loop of testing."""
        with self._building(loop):
            return super().build_test_loop(loop)

    def build_log_processor(self, log_processor: LogProcessor | dict) -> LogProcessor:
        """Build what formats log lines; they count what the training counts."""
        if isinstance(log_processor, dict) and self._counts_iterations():
            log_processor = {**log_processor, 'by_epoch': False}
        with self._building(log_processor):
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

    def register_hook(self, hook: Any, priority: Any = None) -> None:
        """Build a hook and put it among the others."""
        with self._building(hook):
            if isinstance(hook, dict):
                check_type(hook)
            super().register_hook(hook, priority)


def _complete(loader: dict) -> dict:
    """Return the config of a loader with what MMEngine's needs here."""
    changes: dict[str, Any] = {} if loader.get('num_workers') else {'persistent_workers': False}
    dataset = loader.get('dataset')
    if isinstance(dataset, dict):
        numbered = {'type': 'cpose.NumberedDraws', 'dataset': dataset}
        whole = numbered if inner_configs(dataset) else dataset
        changes['dataset'] = {'type': partial(DATASETS.build, whole)}
    return {**loader, **changes}
