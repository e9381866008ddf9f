"""What all datasets share: meta information, the pipeline and reproducible augmentation."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose
from torch.utils.data import Dataset

from cpose.errors import ConfigError, check_number
from cpose.registry import TRANSFORMS

META_KEYS = ('category', 'symmetry', 'eval_num_symmetry')


def normalise_metainfo(metainfo: Mapping[str, Any] | None) -> dict[str, tuple[Any, ...]]:
    """Turn the meta information of one or several categories into tuples of equal length.

    Raises:
        ConfigError: If a key is unknown, the names are not different texts or the lengths differ.
    """
    defaults = {'category': 'object', 'symmetry': {'type': 'NoSymmetry'}, 'eval_num_symmetry': 1}
    given = dict(metainfo or {})
    unknown = sorted(set(given) - set(META_KEYS))
    if unknown:
        raise ConfigError(
            f'metainfo has unknown keys {unknown} (config key *_dataloader.dataset.metainfo). '
            f'Use {", ".join(META_KEYS)}.'
        )
    given = {key: value for key, value in given.items() if value is not None}
    values = {key: _as_tuple(given.get(key, defaults[key])) for key in META_KEYS}
    for place, name in enumerate(values['category']):
        if not isinstance(name, str):
            raise ConfigError(
                f'metainfo.category has {name!r} at place {place} (config key '
                '*_dataloader.dataset.metainfo.category). Names are text: put it in quotes.'
            )
    count = len(values['category'])
    if not count or len(set(values['category'])) < count:
        raise ConfigError(
            f'metainfo.category={list(values["category"])} (config key '
            '*_dataloader.dataset.metainfo.category) must be one name or different names, one for '
            'each category.'
        )
    for key, value in values.items():
        if len(value) not in (1, count):
            raise ConfigError(
                f'metainfo.{key} has {len(value)} entries for {count} categories. '
                'Give one entry for all categories, or one each.'
            )
    return {k: v if len(v) == count else v * count for k, v in values.items()}


def check_input_wh(input_wh: Any) -> tuple[int, int]:
    """Return width and height of the network input.

    Raises:
        ConfigError: If they are not two multiples of 32.
    """
    sides = _as_tuple(input_wh)
    are_whole = all(isinstance(side, Integral) for side in sides)
    if not are_whole or len(sides) != 2 or any(side <= 0 or side % 32 for side in sides):
        given = sides if len(sides) > 1 else input_wh
        raise ConfigError(
            f'input_wh={given!r} (config key *_dataloader.dataset.input_wh) must be width and '
            'height, both multiples of 32, for example (512, 512).'
        )
    return int(sides[0]), int(sides[1])


def _as_tuple(value: Any) -> tuple[Any, ...]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return tuple(value) if is_list else (value,)


class PoseDataset(Dataset):
    """Base of the datasets: a subclass says how many records there are and loads one.

    Augmentation draws from a generator seeded by (seed, epoch, index), so a sample depends
    neither on the number of workers nor on where an interrupted epoch was resumed.

    Args:
        pipeline: Configs of the transforms; dict in, dict out.
        metainfo: ``category``, ``symmetry`` and ``eval_num_symmetry``, one value or a list each.
        input_wh: Width and height of the network input, multiples of 32.
        seed: First part of the seed of the augmentation.
    """

    def __init__(
        self,
        pipeline: Sequence[Mapping[str, Any]],
        metainfo: Mapping[str, Any] | None = None,
        input_wh: tuple[int, int] = (512, 512),
        seed: int = 0,
    ) -> None:
        self._metainfo = normalise_metainfo(metainfo)
        check_number('*_dataloader.dataset.seed', seed, least=0, is_whole=True)
        self.input_wh = check_input_wh(input_wh)
        self.seed = seed
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self.pipeline = Compose([TRANSFORMS.build(dict(step)) for step in pipeline])

    @property
    def metainfo(self) -> dict[str, tuple[Any, ...]]:
        """Meta information that MMEngine hands to metric and visualizer as ``dataset_meta``."""
        return dict(self._metainfo)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abstractmethod
    def load_record(self, index: int) -> dict[str, Any]:
        """Return what is known about one image before the pipeline."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the augmentation; worker processes see it too."""
        self._epoch.fill_(epoch)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Load one record and run the pipeline on it."""
        record = self.load_record(index)
        record['input_wh'] = self.input_wh
        record['rng'] = np.random.default_rng([self.seed, int(self._epoch), index])
        return self.pipeline(record)


PACKED_KEYS = ('inputs', 'data_samples')


def check_packed(item: Any, pipeline: Compose) -> None:
    """Refuse an item that is not packed.

    Args:
        item: What the pipeline made of a record.
        pipeline: The transforms, for the message.

    Raises:
        ConfigError: If it lacks a key.
    """
    if isinstance(item, Mapping) and all(key in item for key in PACKED_KEYS):
        return
    steps = ', '.join(type(step).__name__ for step in pipeline.transforms) or 'nothing'
    raise ConfigError(
        f'The pipeline of the data ({steps}) does not give {" and ".join(PACKED_KEYS)} (config '
        "key *_dataloader.dataset.pipeline). End it with dict(type='PackPoseInputs')."
    )


@dataclass(frozen=True)
class CheckedCollate:
    """Collate items after a look at each of them.

    Attributes:
        collate: Makes a batch of items.
        pipeline: What the items come from.
    """

    collate: Callable[[Sequence[Any]], Any]
    pipeline: Compose

    def __call__(self, items: Sequence[Any]) -> Any:
        """Return the batch.

        Raises:
            ConfigError: If an item is not packed.
        """
        for item in items:
            check_packed(item, self.pipeline)
        return self.collate(items)
