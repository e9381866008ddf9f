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
    static_batch: int | None, least: int | None, best: int | None, most: int | None
) -> BatchProfile:
    """Return the batch sizes for a model.

    Args:
        static_batch: Batch size that the ONNX file has fixed, None if it is free.
        least: What the user asked for; None takes the fixed one or `DEFAULT_BATCHES`.
        best: The same for the best size.
        most: The same for the greatest size.

    Raises:
        ConfigError: If they contradict each other or the file.
    """
    given = (least, best, most)
    if static_batch is not None:
        if any(value not in (None, static_batch) for value in given):
            raise ConfigError(
                f'The ONNX file has a fixed batch size of {static_batch}, which does not go with '
                f'{_flags(given)}. Leave them out, or export with a free batch size.'
            )
        return BatchProfile(static_batch, static_batch, static_batch)
    default_min, default_opt, default_max = DEFAULT_BATCHES
    low = default_min if least is None else least
    high = most if most is not None else max(default_max, low, best or 0)
    middle = best if best is not None else min(max(default_opt, low), high)
    if not 1 <= low <= middle <= high:
        raise ConfigError(
            f'Batch sizes of 1 ≤ min ≤ opt ≤ max are needed, but min={low}, opt={middle} and '
            f'max={high} (--min-batch, --opt-batch, --max-batch). Correct them.'
        )
    return BatchProfile(low, middle, high)


def _flags(given: tuple[int | None, ...]) -> str:
    names = ('--min-batch', '--opt-batch', '--max-batch')
    pairs = zip(names, given, strict=True)
    return ' '.join(f'{name} {value}' for name, value in pairs if value is not None)
