"""Model repositories for NVIDIA Triton."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from cpose.config_renames import rename_config
from cpose.deploy.model_metadata import (
    ModelMetadata,
    load_onnx,
    read_engine_sidecar,
    read_metadata,
    sidecar_path,
    static_batch_of,
)
from cpose.deploy.network_inputs import input_channels
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError, OutputError, unwritable
from cpose.files.encrypted_file import is_encrypted
from cpose.files.encryption_key import current_key
from cpose.files.model_files import check_new_file, replaced_at_end, write_bytes_atomic
from cpose.shipped_configs import complete_head

ONNX_MAX_BATCH = 8
"""Largest batch that Triton makes of requests for an ONNX file that takes any."""

VERSION = '1'


def write_triton_repository(
    model_file: str | Path, directory: str | Path, name: str, may_replace: bool = False
) -> Path:
    """Write ``directory/name/`` with ``config.pbtxt`` and ``1/model.onnx`` or ``1/model.plan``.

    Args:
        model_file: ONNX file, or engine with the JSON file beside it.
        directory: Model repository; made if it is missing.
        name: Name of the model in Triton.
        may_replace: Whether files of an earlier model of this name may be overwritten.

    Returns:
        The folder of the model.

    Raises:
        CheckpointError: If the file is not one of ours, or Triton could not run it.
        OutputError: If a file cannot be written, or exists and may not be replaced.
    """
    source = Path(model_file)
    metadata = read_metadata(source)
    is_onnx = source.suffix.lower() == '.onnx'
    _check_runs(source, metadata, is_onnx)
    limits = _onnx_batches(source) if is_onnx else _engine_batches(source)
    platform = 'onnxruntime_onnx' if is_onnx else 'tensorrt_plan'
    model, config = triton_files(directory, name, is_onnx)
    try:
        model.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(model.parent, error, 'Choose another {triton} folder', 'triton') from error
    for file in (model, config):
        check_new_file(file, may_replace)
    text = make_triton_config(name, platform, metadata, limits)
    with replaced_at_end(config, text.encode()):  # Triton looks for it: last of the two
        write_bytes_atomic(model, source.read_bytes())
    return config.parent


def check_triton_files(directory: str | Path, name: str, is_onnx: bool, may_replace: bool) -> None:
    """Check before long work that a model can be added to a repository.

    Args:
        directory: Model repository; it may be missing.
        name: Name of the model in Triton.
        is_onnx: Whether the model is an ONNX file, else an engine.
        may_replace: Whether files of an earlier model of this name may be overwritten.

    Raises:
        ConfigError: If there is an encryption key, so that Triton could not read the model.
        OutputError: If a file cannot be written, or exists and may not be replaced.
    """
    if current_key() is not None:
        raise ConfigError(
            'cannot be written: with an encryption key the model is encrypted, and Triton could '
            'not read it',
            argument='triton',
            value=directory,
            advice=('Leave out {triton}', 'Give no key'),
        )
    files = triton_files(directory, name, is_onnx)
    for file in files:
        if file.exists():
            check_new_file(file, may_replace)
    there = next(folder for folder in files[0].parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(
            f'cannot be made: {there} is no folder that can be written to',
            argument='triton',
            place=FilePlace(files[0].parent),
            advice='Choose another {triton} folder',
        )


def _check_runs(source: Path, metadata: ModelMetadata, is_onnx: bool) -> None:
    if is_encrypted(source):
        raise CheckpointError(
            'is encrypted, and Triton could not read it',
            place=FilePlace(source),
            advice='Export the model again without an encryption key',
        )
    if is_onnx and metadata.quantize_target == 'tensorrt':
        raise CheckpointError(
            'is quantised for TensorRT, but Triton runs ONNX files in ONNX Runtime',
            place=FilePlace(source),
            advice=('Build an engine from it', 'Quantise the model for the target ort'),
        )
    if not is_onnx and read_engine_sidecar(source).get('flavor') == 'rtx':
        raise CheckpointError(
            'is an engine of TensorRT for RTX, which Triton does not run',
            place=FilePlace(source),
            advice=('Build it with the flavor tensorrt', 'Give Triton the ONNX file'),
        )


def triton_files(directory: str | Path, name: str, is_onnx: bool) -> tuple[Path, Path]:
    """Return the files of a model in a repository: the model and its config."""
    folder = Path(directory) / name
    return folder / VERSION / ('model.onnx' if is_onnx else 'model.plan'), folder / 'config.pbtxt'


def make_triton_config(
    name: str, platform: str, metadata: ModelMetadata, batch_limits: tuple[int, int]
) -> str:
    """Return the text of ``config.pbtxt``.

    With a fixed batch it is an axis of the shapes, as Isaac ROS wants it; else Triton puts
    requests together.

    Args:
        name: Name of the model.
        platform: Triton's name of the backend.
        metadata: What the model tells about itself.
        batch_limits: Smallest and largest batch.
    """
    least, most = batch_limits
    first = [most] if least == most else []
    width, height = metadata.input_wh
    rows = _count_rows(metadata)
    channels = input_channels(bool(metadata.previous_inputs))
    inputs = [(key, [*first, count, height, width]) for key, count in channels.items()]
    tensors = [_tensor('input', inputs)]
    tensors.append(
        _tensor(
            'output', [(key, [*first, rows, out['size']]) for key, out in metadata.outputs.items()]
        )
    )
    head = [
        f'name: {_quoted(name)}',
        f'platform: {_quoted(platform)}',
        f'max_batch_size: {0 if first else most}',
    ]
    tail = [] if first else ['dynamic_batching { }']
    return '\n'.join(
        [
            *head,
            *tensors,
            *tail,
            f'version_policy: {{ specific {{ versions: [ {VERSION} ] }} }}',
            '',
        ]
    )


def _tensor(kind: str, tensors: Sequence[tuple[str, list[int]]]) -> str:
    blocks = [
        f'  {{\n    name: {_quoted(name)}\n    data_type: TYPE_FP32\n'
        f'    dims: [ {", ".join(map(str, dims))} ]\n  }}'
        for name, dims in tensors
    ]
    return f'{kind} [\n' + ',\n'.join(blocks) + '\n]'


def _quoted(text: str) -> str:
    """Return a text as Protobuf's text format has it."""
    return json.dumps(text, ensure_ascii=False)


def _count_rows(metadata: ModelMetadata) -> int:
    config = complete_head(rename_config(json.loads(metadata.config))[0])
    return int(config['model']['head']['codec']['num_select'])


def _onnx_batches(file: Path) -> tuple[int, int]:
    batch = static_batch_of(load_onnx(file)[0])
    return (batch, batch) if batch else (1, ONNX_MAX_BATCH)


def _engine_batches(file: Path) -> tuple[int, int]:
    try:
        profile = read_engine_sidecar(file)['profile']
        least, most = int(profile['min']), int(profile['max'])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            'does not tell the batch sizes of its engine',
            place=FilePlace(sidecar_path(file), 'profile'),
            advice='Build the engine again',
        ) from error
    if 1 < least < most:
        raise CheckpointError(
            f'takes batches of {least} to {most}, but Triton sends single images too',
            place=FilePlace(file),
            advice=(
                'Build it with {min_batch} 1',
                f'Build it for batches of one size ({{min_batch}} {most})',
            ),
        )
    return least, most
