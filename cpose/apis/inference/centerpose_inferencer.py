"""From images to poses with one call."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer import BaseInferencer
from torch import Tensor

from cpose.apis.builder import (
    build_for_inference,
    find_model_runtime,
    find_postprocessor,
    resolve_config,
)
from cpose.apis.config.load import load_config
from cpose.apis.inference.camera_io import CameraFinder, CameraLike
from cpose.apis.inference.image_sources import ErrorHandler, ImageInput, SourceImage, read_images
from cpose.apis.inference.inference_parts import (
    FURTHER_SCALES,
    ImagePreparation,
    build_pipeline,
    build_visualizer,
    choose_input_wh,
    collate_scales,
    find_categories,
    find_metainfo,
    find_scale_source,
    find_scales,
    set_input_wh,
)
from cpose.apis.inference.run_memory import RunMemory
from cpose.apis.zoo_files import choose_files
from cpose.building import building
from cpose.errors import check_number, errors_of_file
from cpose.metric_scale.metric_poses import MetricScaling
from cpose.models.detectors.scale_pyramid import (
    merge_results,
    pyramid_sizes,
    reads_previous,
    refuse_fixed_size,
    refuse_memory_of_scales,
)
from cpose.registry import INFERENCERS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample, make_results
from cpose.tracking.base import VideoTracking
from cpose.tracking.frame_memory import FrameMemory

Detector = Callable[[Sequence[Tensor]], Mapping[str, Tensor | np.ndarray]]
"""From network inputs (3, h, w), uint8 BGR, to detections keyed and shaped as the ONNX outputs."""


@INFERENCERS.register_module()
class CenterPoseInferencer(BaseInferencer):
    """Find the poses of objects in images, one result per image, as a generator.

    A call takes the images batch by batch through the steps of MMEngine's `BaseInferencer`:
    `preprocess`, `forward`, `visualize`, `postprocess`. After `forward` the frames of a video go
    to the tracker of the config key ``tracker``, if there is one; then poses become metric by what
    the config key ``scale_source`` names, if anything. Keyword arguments go to the step whose set
    (``preprocess_kwargs`` and so on) names them, also in a subclass that adds to the sets.

    Deviation from MMEngine 0.10.7: a call returns a generator instead of a dict of all results,
    and the weights are loaded by `build_model`, which runs nothing that a checkpoint holds.

    Args:
        config: File, name or `Config` of the model; None takes it from the checkpoint.
        checkpoint: Weights, an ONNX file or an engine.
        device: Where the model runs; None takes a GPU if it can be used.
        input_wh: Width and height of the network input, multiples of 32; None takes those of the
            config's test data. The one of an ONNX file or an engine is fixed.
        detector: Runs instead of the model, for example an exported one; ``checkpoint`` is then
            read only for a config.
        model: Stands for config and checkpoint, see `cpose.apis.zoo_files.resolve_model`.
        scales: Factors of ``input_wh``: each image goes through the network at all these sizes,
            and of each object the best-scoring pose stays. None takes those of a
            `PyramidTestLoop` in the config, else the one size. Files of other runtimes have one.

    Attributes:
        categories: Names by label.
        scales: Factors of ``input_wh``.
        sizes_wh: Width and height of the network input, by scale.
        model: The network, with batch norms folded into its convolutions, or what stands in its
            place for a file of another runtime; None with a detector.
        runtime: What runs the network, None with a detector.
        reads_previous: Whether the network reads the frame before.

    Raises:
        ConfigError: If the config is missing or wrong.
        CheckpointError: If the checkpoint cannot be used.
    """

    preprocess_kwargs: ClassVar[set[str]] = {'camera', 'use_pnp', 'on_error', 'fps'}
    forward_kwargs: ClassVar[set[str]] = {'score_thr'}
    visualize_kwargs: ClassVar[set[str]] = {'show', 'return_vis'}
    postprocess_kwargs: ClassVar[set[str]] = set()

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        device: str | None = 'cpu',
        input_wh: tuple[int, int] | None = None,
        detector: Detector | None = None,
        model: str | Path | None = None,
        scales: Sequence[float] | None = None,
    ) -> None:
        config, checkpoint = choose_files(config, checkpoint, model)
        self._weights = checkpoint
        loaded = resolve_config(config, checkpoint)
        self.input_wh = choose_input_wh(loaded, input_wh)
        self.scales = scales or find_scales(loaded)
        self.sizes_wh = pyramid_sizes(self.scales, self.input_wh)
        self.categories = find_categories(loaded)
        self._detector: Detector = detector or self._detect
        self._device = device
        with building(loaded):
            super().__init__(loaded, checkpoint, device, scope='cpose', show_progress=False)
            self.postprocessor = find_postprocessor(self.model, loaded)
        refuse_fixed_size(self.model, self.scales)
        self.reads_previous = reads_previous(self.model)
        refuse_memory_of_scales(self.reads_previous, self.scales)
        self.runtime: Any = None if self.model is None else find_model_runtime(self.model)

    def __call__(
        self,
        inputs: ImageInput,
        camera: CameraLike | None = None,
        batch_size: int = 1,
        score_thr: float | None = None,
        use_pnp: bool = True,
        on_error: ErrorHandler | None = None,
        **kwargs: Any,
    ) -> Iterator[PoseResult]:
        """Return a generator of results, in the order of the images, which are read as needed.

        Args:
            inputs: Image or video file, folder, glob, ``webcam:0``, address of a stream, array
                (H, W, 3) BGR uint8, or any iterable of these.
            camera: Camera of all images, see `make_camera`; None takes the annotation beside each
                image, or a guess.
            batch_size: Images that go through the network at once; one for networks that read the
                frame before.
            score_thr: Objects must score more; None takes ``infer_score_thr`` of the config.
            use_pnp: Whether to look for 6-DoF poses.
            on_error: Called for an image that cannot be used, which is then left out; with None
                the error is raised.
            **kwargs: ``show`` and ``return_vis`` of `visualize`; ``fps`` takes numbered images as
                frames of videos, see `read_images`.

        Raises:
            ConfigError: If camera, batch size or ``fps`` are wrong.
            DataError: If an image or camera file cannot be used; raised while iterating.
            ValueError: If a keyword is unknown.
        """
        named = {'camera': camera, 'score_thr': score_thr, 'use_pnp': use_pnp, 'on_error': on_error}
        pairs = self.iterate(inputs, batch_size, **named, **kwargs)
        return (result for _, result in pairs)

    def iterate(
        self, inputs: ImageInput, batch_size: int = 1, **kwargs: Any
    ) -> Iterator[tuple[SourceImage, PoseResult]]:
        """Return a generator of images with their results; arguments as for a call."""
        before, *after = self._dispatch_kwargs(**kwargs)
        metainfo = find_metainfo(self.cfg)
        with building(self.cfg):
            tracking = VideoTracking(self.cfg.get('tracker'), metainfo)
            scaling = MetricScaling(find_scale_source(self.cfg, self.postprocessor), metainfo)
        memory = RunMemory(tracking, scaling, FrameMemory() if self.reads_previous else None)
        batches = self.preprocess(inputs, 1 if self.reads_previous else batch_size, **before)
        return itertools.chain.from_iterable(self._run_all(memory, batches, *after))

    def preprocess(
        self,
        inputs: ImageInput,
        batch_size: int = 1,
        camera: CameraLike | None = None,
        use_pnp: bool = True,
        on_error: ErrorHandler | None = None,
        fps: float | None = None,
    ) -> Iterator[tuple[list[SourceImage], dict[str, Any]]]:
        """Return a generator of batches; arguments as for a call.

        A batch is its images and what the model's ``test_step`` takes: ``inputs`` (tensors
        (3, h, w), uint8 BGR) and ``data_samples`` (`PoseDataSample`). These are of the first scale;
        a list of the same for each further scale is in ``further_scales``, if there are several.
        """
        check_number('batch_size', batch_size, least=1, is_whole=True)
        if fps is not None:
            check_number('fps', fps, above=0)
        finder = CameraFinder(camera) if use_pnp else None
        preparation = ImagePreparation(self.pipeline, self.sizes_wh, finder)
        prepared = preparation.prepare_all(read_images(inputs, on_error, fps), on_error)
        collate = partial(collate_scales, self.collate_fn)
        return map(collate, self._get_chunk_data(prepared, batch_size))

    def forward(
        self, inputs: Mapping[str, Any], score_thr: float | None = None
    ) -> list[PoseResult]:
        """Return the poses of a batch, one result per image.

        Args:
            inputs: The second part of what `preprocess` gives.
            score_thr: Objects must score more; None takes ``infer_score_thr`` of the config.
        """
        if score_thr is None:
            score_thr = self.postprocessor.infer_score_thr
        batches = [inputs, *inputs.get(FURTHER_SCALES, ())]
        found = [self._find(batch, score_thr) for batch in batches]
        return [merge_results(results, self.scales) for results in zip(*found, strict=True)]

    def _find(self, batch: Mapping[str, Any], score_thr: float) -> list[PoseResult]:
        """Return the poses of a batch at one scale."""
        samples = batch['data_samples']
        with errors_of_file(self._weights) if self._weights else nullcontext():
            detections = (
                self._detect(batch['inputs'], samples)
                if self.reads_previous
                else self._detector(batch['inputs'])
            )
            found = self.postprocessor(detections, samples, score_thr)
        return make_results(samples, found, self.categories)

    def visualize(
        self,
        inputs: Sequence[SourceImage],
        preds: Sequence[PoseResult],
        show: bool = False,
        return_vis: bool = False,
    ) -> list[np.ndarray]:
        """Draw the poses with the visualizer of the config.

        Args:
            inputs: The images.
            preds: Their poses.
            show: Whether to show each picture in a window until a key is pressed.
            return_vis: Whether the results shall have pictures.

        Returns:
            Pictures (H, W, 3), BGR uint8; none if neither is wanted.
        """
        if not (show or return_vis):
            return []
        return [
            self.visualizer.add_datasample(image.name, image.image, result, show=show)
            for image, result in zip(inputs, preds, strict=True)
        ]

    def postprocess(
        self, preds: list[PoseResult], visualization: Sequence[np.ndarray]
    ) -> list[PoseResult]:
        """Return the results, with their pictures if there are any."""
        if not visualization:
            return preds
        pairs = zip(preds, visualization, strict=True)
        return [replace(result, picture=picture) for result, picture in pairs]

    def _run_all(
        self,
        memory: RunMemory,
        batches: Iterable[tuple[list[SourceImage], Any]],
        forward: dict,
        visualize: dict,
        finish: dict,
    ) -> Iterator[Iterable[tuple[SourceImage, PoseResult]]]:
        """Yield the images that are complete after each batch, and in the end the others."""
        score_thr = forward.get('score_thr')
        shown = self.postprocessor.infer_score_thr if score_thr is None else score_thr
        forward = {**forward, 'score_thr': memory.least_score(shown)}
        for images, data in batches:
            found = self.forward(memory.recall(images, data), **forward)
            yield self._show(memory.follow(images, found), visualize, finish)
        yield self._show(memory.finish(), visualize, finish)

    def _show(
        self, ready: Sequence[tuple[SourceImage, PoseResult]], visualize: dict, finish: dict
    ) -> Iterable[tuple[SourceImage, PoseResult]]:
        images, found = [image for image, _ in ready], [result for _, result in ready]
        pictures = self.visualize(images, found, **visualize)
        return zip(images, self.postprocess(found, pictures, **finish), strict=True)

    @torch.inference_mode()
    def _detect(
        self, images: Sequence[Tensor], samples: Sequence[PoseDataSample] = ()
    ) -> Mapping[str, Tensor]:
        """Run the model up to the decoded detections."""
        data = {'inputs': images, 'data_samples': samples}
        detections: Mapping[str, Tensor] = self.runtime(
            self.model.data_preprocessor(data)['inputs']
        )
        return detections

    def _init_model(self, cfg: Config, weights: str | Path | None, device: str = 'cpu') -> Any:
        """Return the model, None if a detector takes its place."""
        if self._detector != self._detect:
            return None
        sized = load_config(cfg)
        set_input_wh(sized, self.input_wh)
        return build_for_inference(sized, weights, self._device)

    def _init_pipeline(self, cfg: Config) -> Compose:
        """Return the transforms of the test data."""
        return build_pipeline(cfg)

    def _init_visualizer(self, cfg: Config) -> Any:
        """Return the visualizer of the config, without backends."""
        return build_visualizer(cfg, self.categories)
