"""What an inferencer takes from a config besides the network, and how images enter it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose

from cpose.apis.config.load import load_config
from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.camera_io import CameraFinder
from cpose.apis.inference.image_sources import ErrorHandler, SourceImage
from cpose.datasets.base import open_record
from cpose.datasets.base_dataset import check_packed
from cpose.datasets.draws import innermost_configs
from cpose.datasets.metainfo import check_input_wh, normalise_metainfo
from cpose.error_places import ConfigPlace
from cpose.errors import DataError
from cpose.registry import TRANSFORMS, VISUALIZERS
from cpose.structures.image_record import ImageRecord
from cpose.visualization.pose_drawer import PoseDrawer

SHIPPED_DATA = '_base_/datasets/centerpose.py'
"""Config whose test data serve where a config has none."""
PLAIN_LOADERS = ('test_dataloader', 'val_dataloader')
"""Data that are not augmented, the test data first; any of them may be left out."""
LOADERS = (*PLAIN_LOADERS, 'train_dataloader')
PIPELINE = ConfigPlace(('test_dataloader.dataset.pipeline',))
FURTHER_SCALES = 'further_scales'
"""Key of a batch with what there is beside the first scale."""

Prepared = tuple[SourceImage, list[dict[str, Any]]]
"""An image with what the transforms made of it, by scale."""


def choose_input_wh(config: Config, input_wh: Sequence[int] | None) -> tuple[int, int]:
    """Return width and height of the network input: the given ones, or those of the test data.

    Raises:
        ConfigError: If they are not two multiples of 32.
    """
    if input_wh is None:
        input_wh = _set_or_shipped(config, 'input_wh', LOADERS)
    return check_input_wh(input_wh)


def find_scales(config: Config) -> Sequence[float]:
    """Return the factors of the network input of a `PyramidTestLoop`, 1 alone without one."""
    scales: Sequence[float] = (config.get('test_cfg') or {}).get('scales') or (1,)
    return scales


def set_input_wh(config: Config, input_wh: Sequence[int]) -> None:
    """Write the network input down as that of the test data, also where there are none."""
    config.test_dataloader = config.get('test_dataloader') or {}
    config.test_dataloader.setdefault('dataset', {})
    for dataset in innermost_configs(config.test_dataloader.dataset):
        dataset['input_wh'] = list(input_wh)


def data_setting(config: Config, key: str, loaders: Sequence[str]) -> Any:
    """Return a setting of the test data, or else of the next data that have it."""
    for loader in loaders:
        dataset = innermost_configs((config.get(loader) or {}).get('dataset') or {})[0]
        if dataset.get(key) is not None:
            return dataset[key]
    return None


def find_metainfo(config: Config) -> dict[str, tuple[Any, ...]]:
    """Return the meta information of the categories, see `normalise_metainfo`."""
    return normalise_metainfo(data_setting(config, 'metainfo', LOADERS))


def find_categories(config: Config) -> tuple[str, ...]:
    """Return the names of the categories by label."""
    return find_metainfo(config)['category']


def find_scale_source(config: Config, postprocessor: Any) -> dict[str, Any] | None:
    """Return the source of metres: that of the config, or a model that predicts metres, or none."""
    if config.get('scale_source') is not None:
        return dict(config.scale_source)
    units = [
        output.unit
        for branch in getattr(postprocessor, 'branches', ())
        for name, output in branch.outputs.items()
        if name == 'obj_scale'
    ]
    return {'type': 'ModelDimensions'} if 'metres' in units else None


def named_categories(config: Config) -> tuple[str, ...]:
    """Return the names of the categories by label, none where the config does not tell them."""
    metainfo = data_setting(config, 'metainfo', LOADERS) or {}
    return normalise_metainfo(metainfo)['category'] if metainfo.get('category') else ()


def build_pipeline(config: Config) -> Compose:
    """Return the transforms of the test data, or what replaces them without test data."""
    steps = _set_or_shipped(config, 'pipeline', PLAIN_LOADERS)
    return Compose([TRANSFORMS.build(dict(step)) for step in steps])


def build_visualizer(config: Config, categories: Sequence[str]) -> Any:
    """Return the visualizer without its backends, which belong to training.

    It is none of MMEngine's global instances: those belong to training too.
    """
    given = dict(config.get('visualizer') or {'type': 'PoseVisualizer'})
    visualizer_class = VISUALIZERS.get(given.pop('type'))
    visualizer = visualizer_class(**{'name': 'inferencer', **given, 'vis_backends': None})
    visualizer.dataset_meta = {'category': tuple(categories)}
    return visualizer


def find_drawer(visualizer: Any, categories: Sequence[str]) -> PoseDrawer:
    """Return what draws in a visualizer, the standard where it has no attribute ``drawer``."""
    drawer: PoseDrawer = getattr(visualizer, 'drawer', None) or PoseDrawer(categories)
    return drawer


@dataclass(frozen=True)
class ImagePreparation:
    """Make of images what a batch is collated from.

    Attributes:
        pipeline: Transforms of the test data.
        sizes_wh: Width and height of the network input, by scale.
        finder: Finds the camera of an image; None where poses are not wanted.
    """

    pipeline: Compose
    sizes_wh: Sequence[tuple[int, int]]
    finder: CameraFinder | None

    def prepare_all(
        self, images: Iterable[SourceImage], on_error: ErrorHandler | None
    ) -> Iterator[Prepared]:
        """Yield images as they are read.

        Args:
            images: What is read.
            on_error: Called for an image that cannot be used, which is then left out; with None
                the error is raised.

        Raises:
            DataError: If an image or its camera cannot be used.
        """
        for image in images:
            try:
                camera = self._find_camera(image)
                yield image, [self._prepare(image, camera, size) for size in self.sizes_wh]
            except DataError as error:
                if on_error is None:
                    raise
                on_error(error)

    def _find_camera(self, image: SourceImage) -> Camera | None:
        return self.finder.find(image.path, image.image_wh) if self.finder else None

    def _prepare(
        self, image: SourceImage, camera: Camera | None, input_wh: tuple[int, int]
    ) -> dict[str, Any]:
        packed: dict[str, Any] = self.pipeline(make_record(image, camera, input_wh))
        check_packed(packed, [self.pipeline], PIPELINE)
        if camera is None:
            return packed
        known = {'distortion': camera.distortion, 'is_camera_guessed': camera.is_guessed}
        return {**packed, 'data_samples': replace(packed['data_samples'], **known)}


def make_record(
    image: SourceImage, camera: Camera | None, input_wh: tuple[int, int]
) -> dict[str, Any]:
    """Return an image as the test data would load it, without an annotation."""
    intrinsics = camera.intrinsics if camera else None
    record = ImageRecord(
        image_path=image.path, image=image.image, image_wh=image.image_wh, intrinsics=intrinsics
    )
    return open_record(record, input_wh, np.random.default_rng(0))


def collate_scales(
    collate: Callable[[list[dict[str, Any]]], dict[str, Any]], chunk: Sequence[Prepared]
) -> tuple[list[SourceImage], dict[str, Any]]:
    """Return images with their batch, see `CenterPoseInferencer.preprocess`.

    Args:
        collate: Makes a batch of one scale.
        chunk: Prepared images.
    """
    by_scale = zip(*(data for _, data in chunk), strict=True)
    first, *further = (collate(list(data)) for data in by_scale)
    data = {**first, FURTHER_SCALES: further} if further else first
    return [image for image, _ in chunk], data


def _set_or_shipped(config: Config, key: str, loaders: Sequence[str]) -> Any:
    found = data_setting(config, key, loaders)
    return load_config(SHIPPED_DATA).test_dataloader.dataset[key] if found is None else found
