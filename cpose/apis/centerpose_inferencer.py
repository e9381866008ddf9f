"""From images to poses with one call."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from cpose.apis.builder import build_model, resolve_config
from cpose.apis.camera_io import CameraFinder, CameraLike
from cpose.apis.image_sources import ErrorHandler, ImageInput, SourceImage, read_images
from cpose.codecs.pose_recovery import PoseRecovery
from cpose.datasets.base_dataset import normalise_metainfo
from cpose.errors import ConfigError, DataError
from cpose.registry import CODECS, INFERENCERS, TRANSFORMS
from cpose.structures.object_pose import PoseResult
from cpose.structures.pose_data_sample import PoseDataSample

Detector = Callable[[Sequence[Tensor]], Mapping[str, Tensor | np.ndarray]]
"""From network inputs (3, h, w), uint8 BGR, to detections keyed and shaped as the ONNX outputs."""

DEFAULT_PIPELINE = ({'type': 'LetterboxAffine'}, {'type': 'PackPoseInputs'})
DEFAULT_INPUT_WH = (512, 512)


@INFERENCERS.register_module()
class CenterPoseInferencer:
    """Find the poses of objects in images, one result per image, as a generator.

    Args:
        config: File, name or `Config` of the model; None takes it from the checkpoint.
        checkpoint: Weights.
        device: Where the model runs.
        input_wh: Width and height of the network input, multiples of 32; None takes those of the
            config's test data.
        detector: Runs instead of the model, for example an exported one; then ``checkpoint`` is
            only read for a config.

    Raises:
        ConfigError: If the config is missing or wrong.
        CheckpointError: If the checkpoint cannot be used.
    """

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        device: str = 'cpu',
        input_wh: tuple[int, int] | None = None,
        detector: Detector | None = None,
    ) -> None:
        self.config = resolve_config(config, checkpoint)
        dataset = _test_dataset(self.config)
        self.input_wh = _check_input_wh(input_wh or dataset.get('input_wh', DEFAULT_INPUT_WH))
        self.categories: tuple[str, ...] = normalise_metainfo(dataset.get('metainfo'))['category']
        if detector is None:
            model = build_model(self.config, checkpoint, device)
            self.recovery: PoseRecovery = model.head.recovery
            self._detector: Detector = _ModelDetector(model)
        else:
            recovery = self.config.model.head.get('recovery', {'type': 'PoseRecovery'})
            self.recovery = CODECS.build(dict(recovery))
            self._detector = detector
        pipeline = dataset.get('pipeline', DEFAULT_PIPELINE)
        self._transforms = [TRANSFORMS.build(dict(transform)) for transform in pipeline]

    def __call__(
        self,
        inputs: ImageInput,
        camera: CameraLike | None = None,
        batch_size: int = 1,
        score_thr: float | None = None,
        use_pnp: bool = True,
        on_error: ErrorHandler | None = None,
    ) -> Iterator[PoseResult]:
        """Return a generator of results, in the order of the images, which are read as needed.

        Args:
            inputs: Image or video file, folder, glob, ``webcam:0``, array (H, W, 3) BGR uint8,
                or any iterable of these.
            camera: Camera of all images, see `cpose.apis.camera_io.make_camera`; None takes the
                annotation beside each image, or a guess.
            batch_size: Images that go through the network at once.
            score_thr: Smallest score; None takes the config's.
            use_pnp: Whether to look for 6-DoF poses.
            on_error: Called for an image that cannot be used, which is then left out; with None
                the error is raised.

        Raises:
            ConfigError: If camera or batch size are wrong.
            DataError: If an image or camera file cannot be used; raised while iterating.
        """
        images = read_images(inputs, on_error)
        pairs = self.iterate(images, camera, batch_size, score_thr, use_pnp, on_error)
        return (result for _, result in pairs)

    def iterate(
        self,
        images: Iterable[SourceImage],
        camera: CameraLike | None = None,
        batch_size: int = 1,
        score_thr: float | None = None,
        use_pnp: bool = True,
        on_error: ErrorHandler | None = None,
    ) -> Iterator[tuple[SourceImage, PoseResult]]:
        """Return a generator of images with their results; arguments as for a call."""
        if batch_size < 1:
            raise ConfigError(f'batch_size={batch_size} must be at least 1.')
        finder = CameraFinder(camera) if use_pnp else None
        return self._run(images, finder, batch_size, score_thr, on_error)

    def _run(
        self,
        images: Iterable[SourceImage],
        finder: CameraFinder | None,
        batch_size: int,
        score_thr: float | None,
        on_error: ErrorHandler | None,
    ) -> Iterator[tuple[SourceImage, PoseResult]]:
        prepared = self._prepare_all(images, finder, on_error)
        while batch := list(itertools.islice(prepared, batch_size)):
            samples = [sample for _, _, sample in batch]
            decoded = self._detector([pixels for _, pixels, _ in batch])
            found = self.recovery(decoded, samples, score_thr)
            for (image, _, sample), poses in zip(batch, found, strict=True):
                yield (
                    image,
                    PoseResult(
                        image.path, sample.image_wh, sample.intrinsics, poses, sample.distortion
                    ),
                )

    def _prepare_all(
        self,
        images: Iterable[SourceImage],
        finder: CameraFinder | None,
        on_error: ErrorHandler | None,
    ) -> Iterator[tuple[SourceImage, Tensor, PoseDataSample]]:
        for image in images:
            try:
                pixels, sample = self._prepare(image, finder)
            except DataError as error:
                if on_error is None:
                    raise
                on_error(error)
                continue
            yield image, pixels, sample

    def _prepare(
        self, image: SourceImage, finder: CameraFinder | None
    ) -> tuple[Tensor, PoseDataSample]:
        height, width = image.image.shape[:2]
        camera = finder.find(image.path, (width, height)) if finder else None
        intrinsics = camera.intrinsics if camera else None
        record: dict[str, Any] = {
            'img': image.image,
            'img_path': image.path,
            'image_wh': (width, height),
            'input_wh': self.input_wh,
            'intrinsics': intrinsics,
            'projection': intrinsics,
            'truth': None,
            'rng': np.random.default_rng(0),
        }
        for transform in self._transforms:
            record = transform(record)
        distortion = camera.distortion if camera else None
        return record['inputs'], replace(record['data_samples'], distortion=distortion)


class _ModelDetector:
    """Run a `CenterPose` up to the decoded detections."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @torch.inference_mode()
    def __call__(self, images: Sequence[Tensor]) -> Mapping[str, Tensor]:
        inputs = self.model.data_preprocessor({'inputs': images})['inputs']
        detections: Mapping[str, Tensor] = self.model.head.codec.decode(self.model(inputs))
        return detections


def _test_dataset(config: Config) -> Mapping[str, Any]:
    dataset: Mapping[str, Any] = config.get('test_dataloader', {}).get('dataset', {})
    return dataset


def _check_input_wh(input_wh: Sequence[int]) -> tuple[int, int]:
    if len(input_wh) != 2 or any(side <= 0 or side % 32 for side in input_wh):
        raise ConfigError(f'input_wh={tuple(input_wh)} must be two multiples of 32.')
    return int(input_wh[0]), int(input_wh[1])
