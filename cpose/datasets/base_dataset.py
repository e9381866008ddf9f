"""What all datasets share: symmetries, the pipeline, reproducible augmentation, bad images."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
import torch
from mmengine.dataset import BaseDataset, Compose
from mmengine.logging import print_log

from cpose.codecs.symmetries import decode_symmetric, resolve_symmetry
from cpose.datasets.annotations.data_problems import OnError, check_on_error
from cpose.datasets.base import open_record
from cpose.datasets.metainfo import check_input_wh, normalise_metainfo
from cpose.error_places import FilePlace, Place
from cpose.errors import ConfigError, DataError, check_number
from cpose.registry import SYMMETRIES, TRANSFORMS
from cpose.structures.image_record import ImageRecord
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample


class PoseDataset(BaseDataset):
    """Base of the data sets: a subclass says how many images there are and loads one record.

    Augmentation draws from a generator seeded by (seed, epoch, number of the draw), so a sample
    depends neither on the number of workers nor on where an interrupted epoch was resumed.

    It is a `BaseDataset` because MMEngine's wrappers take no other; of what that class does only
    the pipeline and the meta information are used.

    Args:
        pipeline: Configs of the transforms, or transforms; dict in, dict out.
        metainfo: ``category``, ``symmetry`` and ``eval_num_symmetry``, one value or a list each.
        input_wh: Width and height of the network input, multiples of 32.
        seed: First part of the seed of the augmentation.
        max_objs: Objects per image that get training targets, the first ones; None for all.
        on_error: ``'raise'`` lets an image that cannot be used end the run, ``'skip'`` logs it and
            takes the next one, whose sample is marked, so that evaluation does not count it twice.

    Attributes:
        draw: Inside a wrapper the number of the draw under way in the data as a whole, where an
            image may occur twice, and how many passes over the data there were since `set_epoch`.

    Raises:
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        pipeline: Sequence[Any] = (),
        metainfo: Mapping[str, Any] | None = None,
        input_wh: tuple[int, int] = (512, 512),
        seed: int = 0,
        max_objs: int | None = None,
        on_error: OnError = 'raise',
    ) -> None:
        check_number('seed', seed, least=0, is_whole=True)
        if max_objs is not None:
            check_number('max_objs', max_objs, least=1, is_whole=True)
        check_on_error(on_error)
        steps = [TRANSFORMS.build(dict(s)) if isinstance(s, Mapping) else s for s in pipeline]
        super().__init__(pipeline=steps, serialize_data=False, lazy_init=True)
        self._metainfo = normalise_metainfo(metainfo)
        self._symmetries = [SYMMETRIES.build(dict(item)) for item in self._metainfo['symmetry']]
        self.input_wh = check_input_wh(input_wh)
        self.seed = seed
        self.max_objs = max_objs
        self.on_error = on_error
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self.draw: tuple[int, int] | None = None

    @property
    def metainfo(self) -> dict[str, tuple[Any, ...]]:
        """Meta information that MMEngine hands to metric and visualizer as ``dataset_meta``."""
        return dict(self._metainfo)

    @property
    def epoch(self) -> int:
        """The epoch of augmentation and fresh images, from 0 on."""
        return int(self._epoch) + (self.draw[1] if self.draw else 0)

    def find_label(self, name: str) -> int:
        """Return the number of a category.

        Raises:
            DataError: If it is none of them.
        """
        categories = self._metainfo['category']
        if name not in categories:
            raise DataError(
                f'is none of the categories {", ".join(categories)}',
                argument='class',
                value=name,
                advice='Name it in metainfo.category of the data set',
            )
        return categories.index(name)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abstractmethod
    def load_record(self, index: int) -> ImageRecord:
        """Return what is known about one image, see `RecordSource.load_record`."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the augmentation; worker processes see it too."""
        self._epoch.fill_(epoch)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the dict of one image that goes into the pipeline, see `PipelineItem`."""
        record = self.load_record(idx)
        if not isinstance(record, ImageRecord):
            raise TypeError(
                f'{type(self).__name__}.load_record returns {type(record).__name__}, expected '
                'ImageRecord (cpose.structures.image_record).'
            )
        symmetries = self._find_symmetries(record)
        rng = self.rng_of(idx)
        item = open_record(record, self.input_wh, rng, symmetries, self.max_objs)
        return {**item, 'sample_idx': idx}

    def rng_of(self, index: int, *streams: int) -> np.random.Generator:
        """Return the source of chance of an image in this epoch, at its beginning.

        Args:
            index: The image; in a wrapper the draw under way counts.
            *streams: Tell apart what is drawn beside the augmentation.
        """
        number = self.draw[0] if self.draw else index
        return np.random.default_rng([self.seed, self.epoch, number, *streams])

    def make_item(self, index: int) -> Any:
        """Return one image after the pipeline; None if a transform leaves it out."""
        return self.pipeline(self.get_data_info(index))

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of the objects of one image."""
        annotations = self.load_record(idx).annotations
        return [] if annotations is None else annotations.labels.tolist()

    def __getitem__(self, index: int) -> Any:
        """Return one image after the pipeline, or the next one that can be used."""
        index = range(len(self))[index]
        for step in range(min(len(self), self.max_refetch)):
            try:
                item = self.make_item((index + step) % len(self))
            except DataError as error:
                if self.on_error == 'raise':
                    raise
                print_log(f'Left out: {error}', logger='current', level=logging.WARNING)
                continue
            if item is not None:
                return item if step == 0 else _marked(item)
        raise DataError(
            'No image of the data set can be read and passes the pipeline',
            advice=('See the log for why', 'Return the dict in every transform'),
        )

    def _find_symmetries(self, record: ImageRecord) -> Sequence[Any]:
        if record.annotations is None or record.symmetries is not None:
            return ()
        labels = record.annotations.labels
        unknown = labels[(labels < 0) | (labels >= len(self._symmetries))]
        if len(unknown):
            raise DataError(
                f'has an object of label {unknown[0]}, but there are {len(self._symmetries)} '
                'categories',
                place=FilePlace(record.image_path),
                advice=(
                    'Name all of them in metainfo.category of the data set',
                    'Leave the object out',
                ),
            )
        return find_symmetries(record.annotations, self._symmetries)

    def full_init(self) -> None:
        """Do nothing: a data set is ready when it is built."""
        self._fully_initialized = True

    def get_subset(self, indices: Any) -> NoReturn:
        """Refuse what MMEngine's class offers.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            f'{type(self).__name__} has no subsets. Use torch.utils.data.Subset.'
        )

    get_subset_ = get_subset


def find_symmetries(annotations: CuboidAnnotations, of_categories: Sequence[Any]) -> list[Any]:
    """Return the symmetry of each object: what is annotated, else that of its category.

    Args:
        annotations: The objects.
        of_categories: Symmetry by label.
    """
    if annotations.symmetric is None:
        return [of_categories[label] for label in annotations.labels]
    pairs = zip(annotations.symmetric.tolist(), annotations.labels, strict=True)
    return [_symmetry(code, of_categories[label]) for code, label in pairs]


@lru_cache(maxsize=256)
def _symmetry(code: int, category_symmetry: Any) -> Any:
    return resolve_symmetry(decode_symmetric(code), category_symmetry)


def _marked(item: Any) -> Any:
    """Mark the sample of an item as standing in for another image."""
    sample = item.get('data_samples') if isinstance(item, Mapping) else None
    if not isinstance(sample, PoseDataSample):
        return item
    return {**item, 'data_samples': replace(sample, is_replacement=True)}


PACKED_KEYS = ('inputs', 'data_samples')


def check_packed(item: Any, pipelines: Sequence[Compose], place: Place | None = None) -> None:
    """Refuse an item that is not packed.

    Args:
        item: What the pipeline made of a record.
        pipelines: The transforms of one or several data sets, for the message.
        place: Where they were given.

    Raises:
        ConfigError: If it lacks a key.
    """
    if isinstance(item, Mapping) and all(key in item for key in PACKED_KEYS):
        return
    names = [[type(step).__name__ for step in pipeline.transforms] for pipeline in pipelines]
    steps = '; '.join(dict.fromkeys(', '.join(each) or 'nothing' for each in names))
    raise ConfigError(
        f'({steps}) does not give {" and ".join(PACKED_KEYS)}',
        argument='pipeline',
        place=place,
        advice="End it with dict(type='PackPoseInputs')",
    )


@dataclass(frozen=True)
class CheckedCollate:
    """Collate items after a look at each of them.

    Attributes:
        collate: Makes a batch of items.
        pipelines: What the items come from.
        place: Where the pipelines were given.
    """

    collate: Callable[[Sequence[Any]], Any]
    pipelines: Sequence[Compose]
    place: Place | None = None

    def __call__(self, items: Sequence[Any]) -> Any:
        """Return the batch.

        Raises:
            ConfigError: If an item is not packed.
        """
        for item in items:
            check_packed(item, self.pipelines, self.place)
        return self.collate(items)
