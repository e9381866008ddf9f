"""Build an engine from an ONNX graph.

Networks are strongly typed: the precision of each layer is that of the graph, in TensorRT 10 by a
flag, in TensorRT 11 and TensorRT for RTX always.
"""

from typing import Any

from cpose.deploy.engines.build_settings import BatchProfile, BuildSettings
from cpose.deploy.engines.flavors import Flavor, parse_capability
from cpose.deploy.engines.tensorrt_parts import open_log, start_part
from cpose.deploy.engines.timing_cache import load_timing_cache, save_timing_cache
from cpose.deploy.model_metadata import INPUT_NAME
from cpose.errors import CheckpointError, ConfigError

MIB = 1 << 20


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
            f'{module.__name__} {flavor.version} cannot read the graph:\n{parser_errors(parser)}'
        )
    config = builder.create_builder_config()
    _configure(module, builder, config, settings)
    config.add_optimization_profile(_make_profile(builder, input_wh, profile))
    cache = load_timing_cache(config, settings.timing_cache, flavor)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise CheckpointError(
            f'{module.__name__} {flavor.version} cannot build the engine: {log.take_errors()}'
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
                f'{module.__name__} does not accept --compute-capability '
                f'{" ".join(settings.compute_capabilities)} together. Build one engine for each.'
            )


def _make_profile(builder: Any, input_wh: tuple[int, int], profile: BatchProfile) -> Any:
    made = builder.create_optimization_profile()
    width, height = input_wh
    shapes = [(count, 3, height, width) for count in (profile.min, profile.opt, profile.max)]
    made.set_shape(INPUT_NAME, *shapes)
    return made
