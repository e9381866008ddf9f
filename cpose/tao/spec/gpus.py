"""Keys for GPUs, the same in ``train``, ``evaluate`` and ``inference``."""

from typing import Annotated, Any

from pydantic import Field

from cpose.tao.spec.keys import NotNegative, key

GpuIds = Annotated[list[NotNegative], Field(min_length=1)]


def num_gpus(only_one: str = '') -> Any:
    """Declare ``num_gpus``.

    Args:
        only_one: Why no more than one of them can be used.
    """
    return key(
        1,
        only_one or 'GPUs, one process each; without any GPU the CPU takes the place of one.',
        'If it and gpu_ids disagree, what means more GPUs counts, unless one is on the command '
        'line: then that one.',
        ge=1,
    )


def gpu_ids() -> Any:
    """Declare ``gpu_ids``."""
    return key([0], 'Which GPUs.')


def num_nodes() -> Any:
    """Declare ``num_nodes``."""
    return key(
        1,
        'Machines.',
        only_because=(
            'several machines are started with torchrun or Slurm on each: write the config with '
            '"cpose tao to-config" and use "cpose train --launcher pytorch"'
        ),
    )
