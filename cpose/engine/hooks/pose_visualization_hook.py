"""Pictures of annotation and prediction while a model is validated or tested."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop
from torch import Tensor

from cpose.datasets.image_reading import read_image
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, check_number
from cpose.registry import HOOKS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample, first_views


@HOOKS.register_module()
class PoseVisualizationHook(Hook):
    """Hand pictures to the backends of the visualizer: annotations left, predictions right.

    The name of a picture is ``val_`` or ``test_``, the number of the image in the data of the first
    process, and the name of its file; the step is that of the training, 0 without one.

    Args:
        draw: Whether to draw.
        interval: Every how many images one is drawn, beginning with the first.
        score_thr: Objects must score more to be drawn.

    Raises:
        ConfigError: If ``interval`` is below 1, or ``score_thr`` no number.
    """

    priority = 'NORMAL'

    def __init__(self, draw: bool = True, interval: int = 50, score_thr: float = 0.3) -> None:
        advice = 'Set draw=False for no pictures'
        check_number('interval', interval, least=1, is_whole=True, advice=advice)
        self.draw = draw
        check_number('score_thr', score_thr)
        self.interval = interval
        self.score_thr = score_thr
        self._seen = 0

    def before_run(self, runner: Any) -> None:
        """Check that the visualizer can draw both.

        Raises:
            ConfigError: If its ``add_datasample`` takes no ``prediction``.
        """
        if self.draw and 'prediction' not in signature(runner.visualizer.add_datasample).parameters:
            raise ConfigError(
                f'{type(runner.visualizer).__name__} draws no annotation beside a prediction',
                place=ConfigPlace(('visualizer.type',)),
                advice=(
                    'Use PoseVisualizer or a class of its kind',
                    'Set default_hooks.visualization.draw=False',
                ),
            )

    def before_val_epoch(self, runner: Any) -> None:
        """Count from the first image on."""
        self._seen = 0

    def before_test_epoch(self, runner: Any) -> None:
        """Count from the first image on."""
        self._seen = 0

    def after_val_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Draw what is due of a validation batch."""
        self._draw_batch(runner, 'val', data_batch, outputs)

    def after_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Draw what is due of a test batch."""
        self._draw_batch(runner, 'test', data_batch, outputs)

    def _draw_batch(
        self,
        runner: Any,
        mode: str,
        batch: Mapping[str, Any],
        results: Sequence[PoseResult],
    ) -> None:
        if not self.draw or not is_main_process():
            return
        # Asking the runner for its step would build the training data of a run without training.
        step = runner.iter if isinstance(runner._train_loop, BaseLoop) else 0
        images = zip(first_views(batch, 'inputs'), first_views(batch), results, strict=True)
        for number, (pixels, sample, result) in enumerate(images, start=self._seen):
            if number % self.interval or sample.is_replacement:
                continue
            poses = [pose for pose in result.poses if pose.score > self.score_thr]
            runner.visualizer.add_datasample(
                f'{mode}_{number}_{Path(sample.image_path).stem}',
                _original_image(pixels, sample),
                sample,
                step=step,
                prediction=replace(result, poses=poses),
            )
        self._seen += len(results)


def _original_image(pixels: Tensor, sample: PoseDataSample) -> np.ndarray:
    """Return the image of a sample (H, W, 3), out of its network input if it has no file."""
    if Path(sample.image_path).is_file():
        return read_image(sample.image_path, sample.image_wh)
    image = np.ascontiguousarray(pixels.cpu().numpy().transpose(1, 2, 0))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, sample.input_from_image, sample.image_wh, flags=flags)
