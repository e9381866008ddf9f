"""From an ONNX file to an engine file with its description."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cpose.deploy.engines.engine_build import BatchProfile, BuildSettings, build_engine
from cpose.deploy.engines.flavors import ENGINE_SUFFIXES, Flavor
from cpose.deploy.model_metadata import (
    ModelMetadata,
    attach_metadata,
    sidecar_path,
    write_engine_sidecar,
)
from cpose.deploy.onnx.graph_passes import convert_to_half
from cpose.deploy.quantization.quantize import QuantizationSettings, quantize_model
from cpose.error_places import FilePlace, listed
from cpose.errors import CheckpointError, ConfigError
from cpose.files.encrypted_file import sealed_bytes
from cpose.files.model_files import check_new_file, replaced_at_end

TARGET = 'tensorrt'
MOST_LISTED = 3


def check_for_engine(model: Any, metadata: ModelMetadata, path: str | Path) -> None:
    """Refuse what no engine can be built from.

    Args:
        model: ``onnx.ModelProto``.
        metadata: Its metadata.
        path: Its file, for messages.

    Raises:
        CheckpointError: If the graph has deformable convolutions or is quantised for ONNX Runtime.
    """
    deformable = [node.name for node in model.graph.node if node.op_type == 'DeformConv']
    if deformable:
        names = listed(deformable, MOST_LISTED)
        raise CheckpointError(
            f'has {len(deformable)} DeformConv nodes ({names}), which TensorRT cannot run',
            place=FilePlace(path),
            advice=(
                'Run the file in ONNX Runtime',
                'Train the model with plain convolutions in the neck',
            ),
        )
    if metadata.precision == 'int8' and metadata.quantize_target != TARGET:
        raise CheckpointError(
            f'is quantised for ONNX Runtime (target {metadata.quantize_target}: unsigned '
            'activations, whole-number biases), which TensorRT refuses',
            place=FilePlace(path),
            advice=(
                'Give the file it was made from with {precision} int8',
                'Quantise that for the target tensorrt',
            ),
        )


def check_precision(wanted: str, metadata: ModelMetadata, path: str | Path) -> None:
    """Refuse a precision that a file cannot be brought to.

    Raises:
        CheckpointError: If the file is neither fp32 nor of the wanted precision.
    """
    if metadata.precision not in ('fp32', wanted):
        raise CheckpointError(
            f'is an {metadata.precision} file, and {wanted} needs an fp32 one',
            argument='precision',
            value=wanted,
            place=FilePlace(path),
            advice=('Give the fp32 file', f'Use {{precision}} {metadata.precision}'),
        )


@dataclass(frozen=True)
class EngineModel:
    """A graph that an engine can be built from.

    Attributes:
        model: ``onnx.ModelProto`` of the engine's precision.
        metadata: Its metadata.
        preparation: What was done to the file's graph, in words; empty for nothing.
    """

    model: Any
    metadata: ModelMetadata
    preparation: str = ''


def prepare_model(
    model: Any,
    metadata: ModelMetadata,
    path: str | Path,
    precision: str | None,
    calibrate: Callable[[], Iterable[np.ndarray]],
    settings: QuantizationSettings,
) -> EngineModel:
    """Bring a graph to the precision of the engine.

    Args:
        model: ``onnx.ModelProto`` of a file.
        metadata: Its metadata.
        path: The file, for messages.
        precision: ``'fp32'``, ``'fp16'`` or ``'int8'``; None takes that of the file.
        calibrate: Returns network inputs in batches; called for INT8 only.
        settings: Of the quantisation; its target is ``'tensorrt'``.

    Raises:
        CheckpointError: If no engine can be built from the file, or none of this precision.
    """
    wanted = precision or metadata.precision
    check_for_engine(model, metadata, path)
    check_precision(wanted, metadata, path)
    if wanted == metadata.precision:
        return EngineModel(model, metadata)
    if wanted == 'fp16':
        changed = replace(metadata, precision='fp16')
        half = convert_to_half(model)
        attach_metadata(half, changed)
        return EngineModel(half, changed, 'converted to fp16')
    result = quantize_model(model, metadata, calibrate(), replace(settings, target=TARGET))
    words = f'{result.num_quantized} nodes quantised to int8, ranges {result.calibration}'
    return EngineModel(result.model, result.metadata, words)


def write_engine(
    prepared: EngineModel,
    out: str | Path,
    flavor: Flavor,
    profile: BatchProfile,
    settings: BuildSettings,
) -> int:
    """Build an engine and write it, with its description in JSON beside it.

    Returns:
        Size of the engine in bytes.

    Raises:
        UserError: If the engine cannot be built or written; earlier files are untouched then.
    """
    metadata = prepared.metadata
    engine = build_engine(
        flavor, prepared.model.SerializeToString(), metadata.input_wh, profile, settings
    )
    with replaced_at_end(out, sealed_bytes(engine)):
        write_engine_sidecar(
            out,
            metadata,
            vars(profile),
            flavor=flavor.name,
            version=flavor.version,
            compute_capability=list(settings.compute_capabilities) or [_own_capability()],
            precision=metadata.precision,
            sha256=hashlib.sha256(engine).hexdigest(),
        )
    return len(engine)


def check_engine_path(out: str | Path, may_replace: bool) -> None:
    """Check before long work that an engine can be written.

    Raises:
        ConfigError: If the ending is not that of an engine.
        OutputError: If the file or the one beside it exists, or the folder cannot be written to.
    """
    if Path(out).suffix not in ENGINE_SUFFIXES:
        raise ConfigError(f'must end with {", ".join(ENGINE_SUFFIXES)}', argument='out', value=out)
    for file in (out, sidecar_path(out)):
        check_new_file(file, may_replace)


def _own_capability() -> str:
    return ''.join(map(str, torch.cuda.get_device_capability()))
