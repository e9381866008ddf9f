"""Test with every picture at several input sizes."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.runner import TestLoop
from mmengine.runner.amp import autocast

from cpose.checkpoints.loading import bare_model
from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.draws import nested_datasets
from cpose.models.detectors.scale_pyramid import (
    merge_results,
    pyramid_sizes,
    reads_previous,
    refuse_fixed_size,
    refuse_memory_of_scales,
)
from cpose.registry import LOOPS


@LOOPS.register_module()
class PyramidTestLoop(TestLoop):
    """MMEngine's loop over as many loaders as there are scales, which go through the data together.

    Results are merged before they reach metric and hooks, which see the batches of the first scale.
    An inferencer takes its scales from here too.

    Args:
        runner: The runner.
        dataloader: Config of the test data.
        evaluator: Config of the metrics.
        scales: Factors of the ``input_wh`` of the data, see `pyramid_sizes`.
        fp16: Whether the network computes in half precision.

    Raises:
        ConfigError: If the scales are wrong, or the model takes one input size only, or reads the
            frame before.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: dict,
        evaluator: Any,
        scales: Sequence[float],
        fp16: bool = False,
    ) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        refuse_fixed_size(bare_model(runner.model), scales)
        refuse_memory_of_scales(reads_previous(bare_model(runner.model)), scales)
        self.scales = tuple(scales)
        further = [runner.build_dataloader(dataloader, seed=runner.seed) for _ in scales[1:]]
        self.dataloaders = [self.dataloader, *further]
        for number, loader in enumerate(self.dataloaders):
            for dataset in nested_datasets(loader.dataset):
                if isinstance(dataset, PoseDataset):
                    dataset.input_wh = pyramid_sizes(scales, dataset.input_wh)[number]

    def run(self) -> dict[str, float]:
        """Test and return the numbers."""
        hooks = self.runner.call_hook
        hooks('before_test')
        hooks('before_test_epoch')
        self.runner.model.eval()
        for number, batches in enumerate(zip(*self.dataloaders, strict=True)):
            hooks('before_test_iter', batch_idx=number, data_batch=batches[0])
            results = self._infer(batches)
            self.evaluator.process(data_samples=results, data_batch=batches[0])
            hooks('after_test_iter', batch_idx=number, data_batch=batches[0], outputs=results)
        numbers: dict[str, float] = self.evaluator.evaluate(len(self.dataloader.dataset))
        hooks('after_test_epoch', metrics=numbers)
        hooks('after_test')
        return numbers

    @torch.no_grad()
    def _infer(self, batches: Sequence[Any]) -> list[Any]:
        """Return one result per picture of the same batch at all scales."""
        with autocast(enabled=self.fp16):
            found = [self.runner.model.test_step(batch) for batch in batches]
        return [merge_results(results, self.scales) for results in zip(*found, strict=True)]
