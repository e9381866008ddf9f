"""Build an engine from an ONNX graph.

Networks are strongly typed: the precision of each layer is that of the graph, in TensorRT 10 by a
flag, in TensorRT 11 and TensorRT for RTX always.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from cpose.deploy.engines.flavors import RTX, Flavor, open_log, parse_capability, start_part
from cpose.deploy.model_metadata import INPUT_NAME
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError
from cpose.files.model_files import check_new_file, write_bytes_atomic

MIB = 1 << 20

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


def load_timing_cache(config: Any, path: Path | None, flavor: Flavor) -> Any:
    """Give a builder config the timing cache of a file, an empty one if there is no file.

    Args:
        config: ``IBuilderConfig``.
        path: The file; None for none.
        flavor: The package that builds.

    Returns:
        The ``ITimingCache``, None if no file is given or the flavour has no such cache, which is
        said in a warning.

    Raises:
        ConfigError: If the file cannot be used.
        OutputError: If it could not be written after the build.
    """
    if path is None:
        return None
    if flavor.name == RTX:
        print_log(
            f'The timing cache {path} is neither read nor written: TensorRT for RTX measures no '
            'kernels while it builds. It makes them on the GPU that runs the engine.',
            logger='current',
            level=logging.WARNING,
        )
        return None
    check_new_file(path, may_replace=True)
    stored = path.read_bytes() if path.is_file() else b''
    cache = config.create_timing_cache(stored)
    if cache is None or not config.set_timing_cache(cache, False):
        raise ConfigError(
            f'({len(stored)} bytes) is no timing cache of this TensorRT and GPU',
            argument='timing_cache',
            place=FilePlace(path),
            advice=('Choose another file', 'Remove this one'),
        )
    return cache


def save_timing_cache(cache: Any, path: Path | None) -> None:
    """Write a timing cache if there is one."""
    if cache is not None and path is not None:
        write_bytes_atomic(path, bytes(memoryview(cache.serialize())))


def build_engine(
    flavor: Flavor,
    onnx_bytes: bytes,
    input_wh: tuple[int, int],
    profile: BatchProfile,
    settings: BuildSettings,
) -> bytes:
    """Return a serialised engine.

    Args:
        flavor: The package that builds.
        onnx_bytes: The ONNX file.
        input_wh: Width and height of its input, pixels.
        profile: Batch sizes that the engine shall take.
        settings: See `BuildSettings`.

    Raises:
        CheckpointError: If the parser or the builder refuses the graph; with what they say.
        ConfigError: If the package does not start here, or a setting does not go with it.
    """
    module = flavor.module
    log = open_log(module, settings.is_verbose)
    builder = start_part(module, 'Builder', log)
    network = builder.create_network(_network_flags(module))
    parser = start_part(module, 'OnnxParser', network, log)
    if not parser.parse(onnx_bytes):
        raise CheckpointError(
            f'cannot be read by {module.__name__} {flavor.version}:\n{parser_errors(parser)}\n',
            argument='model',
            advice='Export it again with another opset',
        )
    config = builder.create_builder_config()
    _configure(module, builder, config, settings)
    config.add_optimization_profile(_make_profile(builder, input_wh, profile))
    cache = load_timing_cache(config, settings.timing_cache, flavor)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise CheckpointError(
            f'cannot become an engine of {module.__name__} {flavor.version}: {log.take_errors()}',
            argument='model',
            advice='Correct what the builder names',
        )
    save_timing_cache(cache, settings.timing_cache)
    return bytes(engine)


def parser_errors(parser: Any) -> str:
    """Return all errors of an ``OnnxParser``, one a line: operator, node and message."""
    errors = [parser.get_error(number) for number in range(parser.num_errors)]
    return '\n'.join(
        f'  {error.node_operator()} node {error.node_name()!r}: {error.desc()}' for error in errors
    )


def _network_flags(module: Any) -> int:
    flag = getattr(module.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None)
    return 0 if flag is None else 1 << int(flag)


def _configure(module: Any, builder: Any, config: Any, settings: BuildSettings) -> None:
    config.set_memory_pool_limit(module.MemoryPoolType.WORKSPACE, settings.workspace_mib * MIB)
    if settings.is_verbose:
        config.profiling_verbosity = module.ProfilingVerbosity.DETAILED
    capabilities = [parse_capability(module, text) for text in settings.compute_capabilities]
    if capabilities:
        config.num_compute_capabilities = len(capabilities)
    for number, capability in enumerate(capabilities):
        if not config.set_compute_capability(capability, number):
            raise ConfigError(
                f'are not accepted together by {module.__name__}',
                argument='compute_capabilities',
                value=settings.compute_capabilities,
                advice='Build one engine for each',
            )


def _make_profile(builder: Any, input_wh: tuple[int, int], profile: BatchProfile) -> Any:
    made = builder.create_optimization_profile()
    width, height = input_wh
    shapes = [(count, 3, height, width) for count in (profile.min, profile.opt, profile.max)]
    made.set_shape(INPUT_NAME, *shapes)
    return made
