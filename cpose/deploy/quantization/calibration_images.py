"""Images from which the ranges of an INT8 model are measured."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils.data import ConcatDataset, Dataset

from cpose.datasets.base_dataset import PoseDataset
from cpose.datasets.draws import innermost_configs
from cpose.datasets.image_folder_dataset import ImageFolderDataset
from cpose.deploy.model_metadata import ModelMetadata
from cpose.error_places import ConfigPlace
from cpose.errors import ConfigError, DataError
from cpose.models.data_preprocessor import PoseDataPreprocessor
from cpose.registry import DATASETS

DEFAULT_BATCH_SIZE = 8
DEFAULT_IMAGES = 128
"""Taken at most where the number of batches is not given."""

PIPELINE = ({'type': 'LoadPoseImage'}, {'type': 'LetterboxAffine'}, {'type': 'PackPoseInputs'})
NO_PADDING = 1
"""Images have the size of the model's input."""


class CalibrationImages:
    """Network inputs made from images, batch by batch; every pass reads them anew.

    Args:
        dataset: Where the images come from; its pipeline has no augmentation.
        metadata: Of the model: it says how pixels are encoded.
        batch_size: Images in a batch.
        num_batches: Batches; None takes as many as there are images for, up to `DEFAULT_IMAGES`
            images. They are spread evenly over the data set.

    Raises:
        DataError: If there are fewer images than asked for.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        metadata: ModelMetadata,
        batch_size: int = DEFAULT_BATCH_SIZE,
        num_batches: int | None = None,
    ) -> None:
        have = len(dataset)  # type: ignore[arg-type]  # PyTorch's class does not declare it
        wanted = batch_size * (num_batches or 1)
        if wanted > have:
            raise DataError(
                f'needs {wanted} images in {num_batches or 1} batches, but there are {have}',
                argument='batch_size',
                value=batch_size,
                advice=(
                    'Give more images with {folders}',
                    'Make {num_batches} or {batch_size} smaller',
                ),
            )
        if num_batches is None:
            wanted = max(min(have, DEFAULT_IMAGES) // batch_size, 1) * batch_size
        self.dataset = dataset
        self.indices = spread_evenly(have, wanted)
        self.batch_size = batch_size
        self.preprocessor = build_preprocessor(metadata)

    @property
    def num_images(self) -> int:
        """Number of images in a pass."""
        return len(self.indices)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the inputs, (N, 3, H, W) float32."""
        for start in range(0, len(self.indices), self.batch_size):
            chosen = self.indices[start : start + self.batch_size]
            pixels = [self.dataset[index]['inputs'] for index in chosen]
            yield self.preprocessor({'inputs': pixels})['inputs'].numpy()


def spread_evenly(have: int, wanted: int) -> list[int]:
    """Return the numbers of some images of a data set, the first and the last among them."""
    numbers: list[int] = np.linspace(0, have - 1, wanted).round().astype(int).tolist()
    return numbers


def build_preprocessor(metadata: ModelMetadata) -> PoseDataPreprocessor:
    """Return what turns BGR pixels of 0 to 255 into the input that a model file takes."""
    return PoseDataPreprocessor(**metadata.pixels, size_divisor=NO_PADDING)


def folder_dataset(folders: Sequence[str], metadata: ModelMetadata) -> PoseDataset:
    """Return the images of folders and their sub-folders; annotations beside them are not needed.

    Raises:
        DataError: If a folder does not exist or holds no image.
    """
    for folder in folders:
        if not os.path.isdir(folder):
            raise DataError(
                'is not a folder',
                argument='folders',
                value=folder,
                advice='Give a folder of images',
            )
    return ImageFolderDataset(list(folders), PIPELINE, input_wh=metadata.input_wh)


def config_dataset(config: Mapping[str, Any], metadata: ModelMetadata) -> Dataset[Any]:
    """Return the training images of a config, not augmented.

    Of data sets inside a wrapper these are the first ones, and all with several categories.

    Args:
        config: The config that the model was built from, checked if it comes from its file.
        metadata: Of the model.

    Raises:
        ConfigError: If the config names none.
        DataError: If they are not there.
    """
    given = _dataset_configs(config, 'train_dataloader')
    if not given:
        raise ConfigError(
            'is missing in the config of the model file, to take calibration images from',
            place=ConfigPlace(('train_dataloader',)),
            advice='Give a folder of images with {folders}',
        )
    changes = {'pipeline': _plain_pipeline(config), 'input_wh': metadata.input_wh}
    parts = given if len(metadata.class_names) > 1 else given[:1]
    settings = [{**part, **changes} for part in parts]
    for item in settings:
        item.pop('fresh_each_epoch', None)
    try:
        datasets = [DATASETS.build(item) for item in settings]
    except DataError as error:
        raise DataError(
            f'The calibration images of the config in the model file cannot be used: {error}',
            advice='Give a folder of images with {folders}',
        ) from error
    return datasets[0] if len(datasets) == 1 else ConcatDataset(datasets)


def _plain_pipeline(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the transforms of the test data, those of a plain image without test data."""
    given = _dataset_configs(config, 'test_dataloader') or [{}]
    return [dict(step) for step in given[0].get('pipeline', PIPELINE)]


def _dataset_configs(config: Mapping[str, Any], loader: str) -> list[Mapping[str, Any]]:
    """Return the configs of the data sets of a loader, or of those inside a wrapper."""
    found = (config.get(loader) or {}).get('dataset')
    return innermost_configs(found) if found else []
