"""What a user can choose when an engine is built."""

from dataclasses import dataclass
from pathlib import Path

from cpose.errors import ConfigError

DEFAULT_BATCHES = (1, 4, 8)
"""Least, best and greatest batch of a model with a free batch size, as TAO has them."""

DEFAULT_WORKSPACE_MIB = 1024


@dataclass(frozen=True)
class BatchProfile:
    """Batch sizes that an engine takes.

    Attributes:
        min: Least.
        opt: The one that it is fastest with.
        max: Greatest.
    """

    min: int
    opt: int
    max: int


@dataclass(frozen=True)
class BuildSettings:
    """How an engine is built.

    Attributes:
        workspace_mib: Scratch memory at most, MiB.
        timing_cache: File of measured kernel times, read and written where the flavour has one.
        is_verbose: Log everything that the builder says.
        compute_capabilities: GPUs to build for, for example ``('89',)``; empty for that of this
            machine.
    """

    workspace_mib: int = DEFAULT_WORKSPACE_MIB
    timing_cache: Path | None = None
    is_verbose: bool = False
    compute_capabilities: tuple[str, ...] = ()


def choose_profile(
    static_batch: int | None,
    min_batch: int | None,
    opt_batch: int | None,
    max_batch: int | None,
) -> BatchProfile:
    """Return the batch sizes for a model.

    Args:
        static_batch: Batch size that the ONNX file has fixed, None if it is free.
        min_batch: What the user asked for; None takes the fixed one or `DEFAULT_BATCHES`.
        opt_batch: The same for the best size.
        max_batch: The same for the greatest size.

    Raises:
        ConfigError: If they contradict each other or the file.
    """
    given = {'min_batch': min_batch, 'opt_batch': opt_batch, 'max_batch': max_batch}
    if static_batch is not None:
        for argument, value in given.items():
            if value in (None, static_batch):
                continue
            raise ConfigError(
                'does not go with the batch size of the ONNX file, which is fixed to '
                f'{static_batch}',
                argument=argument,
                value=value,
                advice=('Leave it out', 'Export with a free batch size'),
            )
        return BatchProfile(static_batch, static_batch, static_batch)
    default_min, default_opt, default_max = DEFAULT_BATCHES
    low = default_min if min_batch is None else min_batch
    high = max_batch if max_batch is not None else max(default_max, low, opt_batch or 0)
    middle = opt_batch if opt_batch is not None else min(max(default_opt, low), high)
    if not 1 <= low <= middle <= high:
        raise ConfigError(
            f'must be between min_batch={low}, which is at least 1, and max_batch={high}',
            argument='opt_batch',
            value=middle,
            advice='Correct {min_batch}, {opt_batch} or {max_batch}',
        )
    return BatchProfile(low, middle, high)
