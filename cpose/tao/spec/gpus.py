"""How many GPUs, and which."""

import warnings
from typing import Any

from cpose.errors import ConfigError
from cpose.tao.spec.errors import SpecOrigin

SECTIONS = ('train', 'evaluate', 'inference')
NAMES = ('num_gpus', 'gpu_ids')


def choose_written(values: dict[str, Any], overridden: set[str]) -> None:
    """Let a GPU key of the command line stand alone: what the file says of the other one goes.

    Args:
        values: The spec, changed in place.
        overridden: Dotted keys of the command line.
    """
    for section in SECTIONS:
        named = {name for name in NAMES if f'{section}.{name}' in overridden}
        if len(named) == 1 and isinstance(values.get(section), dict):
            values[section].pop(*(set(NAMES) - named), None)


def reconcile_gpus(
    section: str, num_gpus: int, gpu_ids: list[int], origin: SpecOrigin
) -> list[int]:
    """Return the GPUs to use; what means more of them counts.

    Args:
        section: Name of the section.
        num_gpus: How many.
        gpu_ids: Which.
        origin: Where the values come from.

    Raises:
        ConfigError: If a GPU is named twice.
    """
    place = origin.place(f'{section}.gpu_ids')
    if len(set(gpu_ids)) != len(gpu_ids):
        raise ConfigError(
            f'{place}: {section}.gpu_ids={gpu_ids} names a GPU twice. Allowed: each once, from 0.'
        )
    count = max(num_gpus, len(gpu_ids))
    chosen = list(gpu_ids) if len(gpu_ids) == count else list(range(count))
    if len(gpu_ids) != num_gpus and all(origin.gives(f'{section}.{name}') for name in NAMES):
        warnings.warn(
            f'{place}: {section}.num_gpus={num_gpus} and {section}.gpu_ids={gpu_ids} disagree, so '
            f'the GPUs {chosen} are used. Write both alike.',
            stacklevel=2,
        )
    return chosen
