"""Post-training INT8 quantisation with Q/DQ nodes, per channel.

ONNX Runtime's tool and not ``nvidia-modelopt``: it makes files for both runtimes, from the packages
that export and inference need anyway.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cpose.deploy.model_integrity import sealed_model
from cpose.deploy.model_metadata import ModelMetadata, attach_metadata, load_onnx
from cpose.deploy.onnx.graph_parts import match_nodes, prepare_graph, quantizable_nodes
from cpose.deploy.quantization.calibration_cache import key_of, read_cache, write_cache
from cpose.deploy.quantization.calibration_ranges import (
    METHOD,
    Ranges,
    find_recipe,
    measure_ranges,
    quantize_with_ranges,
)
from cpose.deploy.quantization.sensitivity import (
    FloatChoice,
    RawMapError,
    choose_float_nodes,
    group_activations,
)
from cpose.errors import CheckpointError
from cpose.files.json_files import check_writable
from cpose.files.model_files import write_model_atomic

EXACT_TARGETS = ('tensorrt',)
"""Targets whose files ONNX Runtime may not optimise, see `sensitivity.open_session`."""

ERROR_IMAGES = 8
"""Images on which errors are measured."""


@dataclass(frozen=True)
class QuantizationSettings:
    """How a model is quantised.

    Attributes:
        target: Who runs the result, ``'ort'`` or ``'tensorrt'``.
        keep_float: Names or shell patterns of nodes that stay in float.
        auto_float: Greatest error of the raw maps, see `RawMapError`; more nodes stay in float
            until it is met. None leaves the error as it is.
        cache: File of measured ranges, read and written.
    """

    target: str = 'ort'
    keep_float: tuple[str, ...] = ()
    auto_float: float | None = None
    cache: Path | None = None


DEFAULT_SETTINGS = QuantizationSettings()


@dataclass(frozen=True)
class QuantizedModel:
    """An INT8 model and how it came about.

    Attributes:
        model: ``onnx.ModelProto`` with metadata.
        metadata: That metadata.
        num_quantized: Nodes that compute with whole numbers.
        choice: Nodes kept in float because of their error, and the error of the result.
        named_float: Nodes kept in float because the user named them.
        calibration: Where the ranges come from, in words.
    """

    model: Any
    metadata: ModelMetadata
    num_quantized: int
    choice: FloatChoice
    named_float: tuple[str, ...]
    calibration: str


def quantize_model(
    model: Any,
    metadata: ModelMetadata,
    batches: Iterable[np.ndarray],
    settings: QuantizationSettings = DEFAULT_SETTINGS,
) -> QuantizedModel:
    """Quantise a network to INT8; its decoder and last convolutions stay in float.

    Args:
        model: ``onnx.ModelProto``, fp32; stays as it is.
        metadata: Its metadata.
        batches: Network inputs (N, 3, H, W) float32 like those of later use; iterated over several
            times, so no generator.
        settings: Target and choices of the user.

    Raises:
        CheckpointError: If the model is not fp32.
        ConfigError: If a setting is wrong or the cache is not a calibration cache.
    """
    if metadata.precision != 'fp32':
        raise CheckpointError(
            f'The model is {metadata.precision} already; only an fp32 model can be quantised',
            advice='Give the file that `cpose export-onnx` wrote',
        )
    recipe = find_recipe(settings.target)
    graph = prepare_graph(model)
    names = quantizable_nodes(graph, recipe.op_types)
    named = match_nodes(settings.keep_float, names)
    ranges, calibration = find_ranges(graph, batches, settings.cache)
    rest = [name for name in names if name not in named]

    def quantize(keep: Collection[str], only: Collection[str]) -> Any:
        return quantize_with_ranges(graph, ranges, recipe, [*named, *keep], only)

    measure = RawMapError(graph, _first_images(batches), recipe.target in EXACT_TARGETS)
    bound = float('inf') if settings.auto_float is None else settings.auto_float
    choice = choose_float_nodes(quantize, measure, group_activations(graph, rest), bound)
    result = quantize(choice.nodes, ())
    changed = replace(metadata, precision='int8', quantize_target=recipe.target)
    del result.metadata_props[:]
    result.metadata_props.extend(model.metadata_props)
    attach_metadata(result, changed)
    count = len(rest) - len(choice.nodes)
    return QuantizedModel(result, changed, count, choice, tuple(named), calibration)


def quantize_for_ort(
    onnx_path: str | Path, images: Iterable[np.ndarray], out: str | Path
) -> QuantizedModel:
    """Quantise a file for ONNX Runtime.

    Args:
        onnx_path: An fp32 file of cpose.
        images: Network inputs (N, 3, H, W) float32 in batches.
        out: File to write.

    Raises:
        CheckpointError: If the file is unusable or not fp32.
        OutputError: If the result cannot be written.
    """
    result = quantize_model(*load_onnx(onnx_path), images)
    write_model_atomic(out, sealed_model(result.model))
    return result


def find_ranges(
    graph: Any, batches: Iterable[np.ndarray], cache: Path | None
) -> tuple[Ranges, str]:
    """Return the ranges of a network from a cache file that fits, else measure and keep them.

    Returns:
        The ranges, and where they come from.

    Raises:
        ConfigError: If the file is not a calibration cache.
        OutputError: If it cannot be written.
    """
    if cache is None:
        return measure_ranges(graph, batches), 'measured'
    key = key_of(graph, batches, METHOD)
    ranges, reason = read_cache(cache, key)
    if ranges is not None:
        return ranges, f'reused: {reason}'
    check_writable(cache)
    ranges = measure_ranges(graph, batches)
    write_cache(cache, key, ranges)
    return ranges, f'measured: {reason}'


def _first_images(batches: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Return the first batches, at least `ERROR_IMAGES` images if there are so many."""
    chosen: list[np.ndarray] = []
    for batch in batches:
        chosen.append(batch)
        if sum(map(len, chosen)) >= ERROR_IMAGES:
            break
    return chosen
