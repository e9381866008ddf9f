"""Data sets inside MMEngine's wrappers: find them, and number what is drawn from them."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch.utils.data import Dataset

from cpose.datasets.base_dataset import PoseDataset
from cpose.registry import DATASETS


def nested_datasets(dataset: Any) -> Iterator[Any]:
    """Yield a data set and those inside it (attributes ``dataset``, ``_dataset``, ``datasets``)."""
    yield dataset
    names = [name for name in ('dataset', '_dataset') if hasattr(dataset, name)]
    inner = [getattr(dataset, names[0])] if names else getattr(dataset, 'datasets', ())
    for part in inner:
        yield from nested_datasets(part)


def inner_configs(config: Mapping[str, Any]) -> list[Any]:
    """Return the configs of the data sets inside a wrapper, none for a data set itself."""
    if isinstance(config.get('dataset'), Mapping):
        return [config['dataset']]
    parts = config.get('datasets')
    items = parts if isinstance(parts, list | tuple) else ()
    return [item for item in items if isinstance(item, Mapping)]


def innermost_configs(config: Mapping[str, Any]) -> list[Any]:
    """Return the configs of the data sets inside wrappers, or that of a data set itself."""
    inner = inner_configs(config)
    return [part for item in inner for part in innermost_configs(item)] if inner else [config]


@DATASETS.register_module()
class NumberedDraws(Dataset):
    """Tell the data sets inside a wrapper which draw of the whole is under way.

    MMEngine's wrappers hand on the number of an image only. An image that they draw twice in an
    epoch would be augmented twice in the same way, and images of the same number in two data sets
    alike. The runner puts this around every wrapper; it is a part of no config.

    It is also endless: items from ``len(self)`` on are those of the next pass over the data.

    Args:
        dataset: Data set or its config.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, Mapping) else dataset
        inner = nested_datasets(self.dataset)
        self._told = [item for item in inner if isinstance(item, PoseDataset)]

    def __getattr__(self, name: str) -> Any:
        """Return what the data set inside has: meta information and what hooks look for."""
        if name.startswith('__') or 'dataset' not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        """Return the number of draws in one pass over the data."""
        return len(self.dataset)

    def __getitem__(self, number: int) -> Any:
        """Return one draw."""
        passed, index = divmod(number, len(self.dataset))
        self._tell((index, passed))
        try:
            return self.dataset[index]
        finally:
            self._tell(None)

    def _tell(self, draw: tuple[int, int] | None) -> None:
        for item in self._told:
            item.draw = draw
