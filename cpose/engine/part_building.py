"""Tell which part of a config a runner builds, as MMEngine's own registries do not."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from cpose.building import building_part, check_type
from cpose.registry import DATASETS, METRICS


class PartBuildingRunner(Runner):
    """Runner whose errors of building name the part and its key in the config."""

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
    ) -> Any:
        """Build the data set through the registry of this project, and what loads it."""
        if isinstance(dataloader, dict) and isinstance(dataloader.get('dataset'), dict):
            build = partial(DATASETS.build, dataloader['dataset'])
            dataloader = {**dataloader, 'dataset': {'type': build}}
        return Runner.build_dataloader(dataloader, seed, diff_rank_seed)

    def build_train_loop(self, loop: Any) -> Any:
        """Build the loop of training."""
        with self._building(loop):
            return super().build_train_loop(loop)

    def build_val_loop(self, loop: Any) -> Any:
        """Build the loop of validation."""
        with self._building(loop):
            return super().build_val_loop(loop)

    def build_test_loop(self, loop: Any) -> Any:
        """Build the loop of testing."""
        with self._building(loop):
            return super().build_test_loop(loop)

    def build_log_processor(self, log_processor: Any) -> Any:
        """Build what makes lines of a log."""
        with self._building(log_processor):
            return super().build_log_processor(log_processor)

    def register_hook(self, hook: Any, priority: Any = None) -> None:
        """Build a hook and put it among the others."""
        with self._building(hook):
            if isinstance(hook, dict):
                check_type(hook)
            super().register_hook(hook, priority)
