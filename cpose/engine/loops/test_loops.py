"""Ways to test: every picture at several input sizes; frames of videos one after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import get_world_size
from mmengine.runner import TestLoop
from mmengine.runner.amp import autocast
from torch.utils.data import DataLoader

from cpose.checkpoints.loading import bare_model
from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.draws import nested_datasets
from cpose.engine.loops.resumable_loop import changed_loader
from cpose.errors import ConfigError, check_number
from cpose.files.frame_names import list_videos, split_frame_name
from cpose.models.detectors.scale_pyramid import (
    merge_results,
    pyramid_sizes,
    reads_previous,
    refuse_fixed_size,
    refuse_memory_of_scales,
)
from cpose.registry import LOOPS
from cpose.structures.object_pose import PoseResult, VideoFrame
from cpose.tracking.base import VideoTracking, keep_above
from cpose.tracking.frame_memory import FrameMemory


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


@LOOPS.register_module()
class VideoTestLoop(TestLoop):
    """MMEngine's loop; networks that read the frame before get it, and what was found in it.

    Frames then go through the network one by one, video after video, whatever the batch size and
    the order of the data. Objects of the frame before are those that a user receives, as the
    tracker shows them with ``infer_score_thr``. Metric and hooks get what was found in the
    frame alone. For other networks it is MMEngine's loop.

    Args:
        runner: The runner.
        dataloader: Config of the test data.
        evaluator: Config of the metrics.
        tracker: Config of the tracker.
        fps: Frames per second of the videos.
        fp16: Whether the network computes in half precision.

    Raises:
        ConfigError: If several processes shall share the frames of a video.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        evaluator: Any,
        tracker: Mapping[str, Any],
        fps: float = 30.0,
        fp16: bool = False,
    ) -> None:
        self.dataloader: DataLoader
        super().__init__(runner, dataloader, evaluator, fp16)
        check_number('fps', fps, above=0.0)
        self.fps = fps
        self._model: Any = bare_model(runner.model)
        if not reads_previous(self._model):
            return
        if get_world_size() > 1:
            raise ConfigError(
                'shares the frames of a video among processes, but the network reads the frame '
                'before',
                argument='launcher',
                value=runner.launcher,
                advice='Test with one process',
            )
        dataset = self.dataloader.dataset
        paths = [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]
        order = [[place] for places in list_videos(paths).values() for place in places]
        self.dataloader = changed_loader(self.dataloader, dataset, order)
        self._tracking = VideoTracking(tracker, getattr(dataset, 'metainfo', None))
        head: Any = getattr(self._model, 'head', self._model)  # a model file has no head
        self._least = self._tracking.least_score(head.postprocessor.infer_score_thr)
        self._memory = FrameMemory()

    def run_iter(self, idx: int, data_batch: Mapping[str, Any]) -> None:
        """Find and evaluate the poses of a batch."""
        if not reads_previous(self._model):
            super().run_iter(idx, data_batch)
            return
        place = {'batch_idx': idx, 'data_batch': data_batch}
        self.runner.call_hook('before_test_iter', **place)
        results = self._find(data_batch)
        self.evaluator.process(data_samples=results, data_batch=data_batch)
        self.runner.call_hook('after_test_iter', **place, outputs=results)

    @torch.no_grad()
    def _find(self, data_batch: Mapping[str, Any]) -> list[PoseResult]:
        """Return the poses of a batch of one frame, and remember them for the next one.

        Raises:
            DataError: If the image is no frame of a video, or has another size than the others.
        """
        (sample,) = data_batch['data_samples']
        frame = self._frame_of(sample.image_path)
        known = self._memory.recall(data_batch, frame)
        with autocast(enabled=self.fp16):
            (result,) = self.runner.model.test_step(known)
        self._memory.keep(self._tracking.follow(keep_above(result, self._least), frame))
        return [result]

    def _frame_of(self, path: str) -> VideoFrame:
        video, number = split_frame_name(path)
        return VideoFrame(video, number, number / self.fps, self.fps)
