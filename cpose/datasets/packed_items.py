"""Check that a pipeline ends with what the model takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.dataset import Compose

from cpose.errors import ConfigError

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
