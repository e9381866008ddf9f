"""What a deployed model tells about itself: in the ONNX file, or in JSON beside an engine."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from cpose.deploy.model_integrity import (
    check_content,
    check_metadata,
    check_tensors,
    check_weights,
    remove_checksum,
)
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, DataError
from cpose.files.encrypted_file import is_encrypted, read_model_bytes
from cpose.files.json_files import write_json
from cpose.files.text_files import MOST_BYTES, read_json
from cpose.optional_packages import import_extra
from cpose.structures.previous_frame import IMAGE_CHANNELS, PREVIOUS_CHANNELS

INPUT_NAME = 'input'
CHANNELS = {INPUT_NAME: IMAGE_CHANNELS, **PREVIOUS_CHANNELS}
FIRST_OUTPUTS: dict[str, dict[str, Any]] = {
    'bboxes': {'size': 4, 'unit': 'cells'},
    'scores': {'size': 1, 'unit': ''},
    'kps': {'size': 16, 'unit': 'cells'},
    'clses': {'size': 1, 'unit': ''},
    'obj_scale': {'size': 3, 'unit': 'relative'},
    'kps_displacement_mean': {'size': 16, 'unit': 'cells'},
    'kps_heatmap_mean': {'size': 16, 'unit': 'cells'},
}
"""What files of the first release have, which do not tell it; every file begins with these."""

SHOWN = 40
BATCH_AXIS = 'batch_size'
NORMALISED = 'normalised'
RGB_0_1 = 'rgb_0_1'
KEY_PREFIX = 'cpose.'


@dataclass(frozen=True)
class ModelMetadata:
    """What a program needs to know to feed a model and to read its outputs.

    Attributes:
        cpose_version: Version that exported the model.
        class_names: Names of the categories by label.
        mean: Mean per channel in ``channel_order``, for pixels of 0 to 1.
        std: Standard deviation per channel in ``channel_order``, for pixels of 0 to 1.
        channel_order: What the network itself reads, ``'bgr'`` or ``'rgb'``.
        input_encoding: ``'normalised'``: the caller orders the channels, subtracts the mean and
            divides by the standard deviation. ``'rgb_0_1'``: the graph does so itself and takes
            RGB of 0 to 1.
        stride: Input pixels per heatmap cell.
        input_wh: Width and height of the input, pixels.
        precision: ``'fp32'``, ``'fp16'`` or ``'int8'``.
        quantize_target: ``'ort'`` or ``'tensorrt'`` for INT8, else empty.
        symmetry: JSON of the symmetry group of the category.
        config: JSON of the whole config.
        outputs: Outputs by name, in order: ``size``, the length of the last axis, and ``unit``, see
            `cpose.codecs.base.Output`.
        trained_with: Versions of the packages of the training by name; none where they are not
            known. OpenCV resizes the images, and its releases differ in single grey levels.
        previous_inputs: Inputs beside the image, of a network that reads the frame before, in
            order; none for others.
    """

    cpose_version: str
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channel_order: str
    input_encoding: str
    stride: int
    input_wh: tuple[int, int]
    precision: str
    quantize_target: str
    symmetry: str
    config: str
    outputs: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(FIRST_OUTPUTS))
    trained_with: dict[str, str] = field(default_factory=dict)
    previous_inputs: tuple[str, ...] = ()

    @property
    def pixels(self) -> dict[str, Any]:
        """Arguments of `PoseDataPreprocessor` that make the inputs of the model."""
        if self.input_encoding == RGB_0_1:
            return {'mean': (0.0, 0.0, 0.0), 'std': (1.0, 1.0, 1.0), 'channel_order': 'rgb'}
        return {name: getattr(self, name) for name in ('mean', 'std', 'channel_order')}


FIELDS = tuple(item.name for item in fields(ModelMetadata))
LATER_FIELDS = ('outputs', 'trained_with', 'previous_inputs')
"""Fields that files of the first release lack."""
JSON_FIELDS = (
    *('class_names', 'mean', 'std', 'stride', 'input_wh', 'outputs', 'trained_with'),
    'previous_inputs',
)
"""Fields that an ONNX file holds as JSON; the others are text."""


def attach_metadata(model: Any, metadata: ModelMetadata) -> None:
    """Write metadata into an ``onnx.ModelProto`` under ``cpose.<field>``, in place of earlier.

    A network of single images has no word of the frame before.
    """
    remove_checksum(model)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    told = asdict(metadata)
    if not metadata.previous_inputs:
        del told['previous_inputs']
    for name, value in told.items():
        texts[KEY_PREFIX + name] = json.dumps(value) if name in JSON_FIELDS else value
    del model.metadata_props[:]
    for key, text in texts.items():
        model.metadata_props.add(key=key, value=text)


def metadata_of(model: Any, path: str | Path) -> ModelMetadata:
    """Return the metadata of an ``onnx.ModelProto``.

    Args:
        model: The model; its inputs and outputs are compared with those of our files too.
        path: Its file, for messages.

    Raises:
        CheckpointError: If it is not one of ours.
    """
    stored = {
        entry.key.removeprefix(KEY_PREFIX): entry.value
        for entry in model.metadata_props
        if entry.key.startswith(KEY_PREFIX)
    }
    weights = {item.name for item in model.graph.initializer}
    inputs = [item.name for item in model.graph.input if item.name not in weights]
    outputs = [item.name for item in model.graph.output]
    missing = [KEY_PREFIX + name for name in FIELDS if name not in {*stored, *LATER_FIELDS}]
    is_first = outputs[: len(FIRST_OUTPUTS)] == list(FIRST_OUTPUTS)
    is_known = inputs in ([INPUT_NAME], [INPUT_NAME, *PREVIOUS_CHANNELS])
    if not is_known or not is_first or missing:
        raise CheckpointError(
            f'is not a model exported by cpose. It has the inputs {_listed(inputs)}, the outputs '
            f'{_listed(outputs)} and lacks the metadata {_listed(missing)}; expected are the input '
            f'{INPUT_NAME} and the outputs {_listed(list(FIRST_OUTPUTS))}',
            place=FilePlace(path),
            advice='Export the model with `cpose export-onnx`',
        )
    try:
        metadata = _metadata_from(
            {
                name: json.loads(stored[name]) if name in JSON_FIELDS else stored[name]
                for name in FIELDS
                if name in stored
            }
        )
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            f'has metadata that cannot be read: {error}',
            place=FilePlace(path),
            advice='Export the model again with `cpose export-onnx`',
        ) from error
    _check_told('inputs', inputs, [INPUT_NAME, *metadata.previous_inputs], path)
    _check_told('outputs', outputs, list(metadata.outputs), path)
    check_tensors(model, CHANNELS, metadata.input_wh, path)
    return metadata


def _check_told(kind: str, names: list[str], told: list[str], path: str | Path) -> None:
    """Raise unless the inputs or outputs of a graph are those of its metadata, in order."""
    if told != names:
        raise CheckpointError(
            f'has the {kind} {_listed(names)}, but its metadata names {_listed(told)}',
            place=FilePlace(path),
            advice='Export the model again with `cpose export-onnx`',
        )


def read_metadata(path: str | Path) -> ModelMetadata:
    """Return the metadata of an ONNX file, or of an engine from the JSON file beside it.

    Raises:
        CheckpointError: If the file is missing, unreadable or not one of ours.
        MissingDependencyError: If an ONNX file is given and the package ``onnx`` is missing.
    """
    if Path(path).suffix.lower() == '.onnx':
        return metadata_of(read_proto(path), path)
    metadata: ModelMetadata = read_engine_sidecar(path)['metadata']
    return metadata


def sidecar_path(engine_path: str | Path) -> Path:
    """Return the JSON file that belongs to an engine: ``<engine file name>.json``."""
    file = Path(engine_path)
    return file.with_name(f'{file.name}.json')


def write_engine_sidecar(
    engine_path: str | Path, metadata: ModelMetadata, profile: Mapping[str, Any], **build: Any
) -> None:
    """Write the JSON file beside an engine.

    Args:
        engine_path: The engine.
        metadata: What the ONNX file said, with the precision of the engine.
        profile: Batch sizes ``min``, ``opt`` and ``max``.
        **build: What else is known of the engine: ``flavor``, ``version``,
            ``compute_capability``, ``precision``.

    Raises:
        OutputError: If it cannot be written.
    """
    content = {'metadata': asdict(metadata), 'profile': dict(profile), **build}
    write_json(sidecar_path(engine_path), content)


def read_engine_sidecar(engine_path: str | Path) -> dict[str, Any]:
    """Return what the JSON file beside an engine holds, with ``metadata`` as `ModelMetadata`.

    Raises:
        CheckpointError: If the engine or the file beside it is missing or unreadable.
    """
    engine, sidecar = Path(engine_path), sidecar_path(engine_path)
    for file in (engine, sidecar):
        if not file.is_file():
            raise CheckpointError(
                'does not exist; an engine and the JSON file beside it belong together',
                place=FilePlace(file),
                advice=('Copy both', 'Build the engine again'),
            )
    try:
        content = read_json(sidecar, MOST_BYTES)
        return {**content, 'metadata': _metadata_from(content['metadata'])}
    except (DataError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f'does not describe an engine of cpose ({error})',
            place=FilePlace(sidecar),
            advice='Build the engine again',
        ) from error


def _metadata_from(plain: Mapping[str, Any]) -> ModelMetadata:
    known = [name for name in FIELDS if name in plain or name not in LATER_FIELDS]
    values: dict[str, Any] = {name: plain[name] for name in known}
    check_metadata(values)
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return ModelMetadata(**values)


def _listed(names: Sequence[str]) -> str:
    return ', '.join(names) or 'none'


def read_proto(path: str | Path) -> Any:
    """Return the ``onnx.ModelProto`` of a file, decrypted if it is encrypted.

    Raises:
        CheckpointError: If the file is missing, broken or encrypted with another key; if its
            checksum is wrong, or weights are missing or no numbers.
        MissingDependencyError: If the package ``onnx`` is missing.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(
            'does not exist',
            place=FilePlace(file),
            advice='Give a file that `cpose export-onnx` wrote',
        )
    onnx = import_extra('onnx', 'deploy')
    broken = import_extra('google.protobuf.message', 'deploy').DecodeError
    try:
        content = read_model_bytes(file) if is_encrypted(file) else file.read_bytes()
        check_content(content, file)
        model = onnx.load_from_string(content)
        _check_texts(model)
    except CheckpointError:
        raise
    except (broken, OSError, ValueError) as error:
        raise CheckpointError(
            f'is not a complete ONNX file ({error})',
            place=FilePlace(file),
            advice='Export it again',
        ) from error
    check_weights(model, file)
    return model


def _check_texts(model: Any) -> None:
    """Raise `ValueError` for names and metadata that are no UTF-8, which protobuf lets pass."""
    graph = model.graph
    texts = [
        item.name for items in (graph.input, graph.output, graph.initializer) for item in items
    ]
    texts += [text for entry in model.metadata_props for text in (entry.key, entry.value)]
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f'{text[:SHOWN]!r} is no text')


def load_onnx(path: str | Path) -> tuple[Any, ModelMetadata]:
    """Return the ``onnx.ModelProto`` of a file and its metadata.

    Raises:
        CheckpointError: If the file is missing, broken or not one of ours.
        MissingDependencyError: If the package ``onnx`` is missing.
    """
    model = read_proto(path)
    return model, metadata_of(model, path)


def static_batch_of(model: Any) -> int | None:
    """Return the batch size that the input of an ``onnx.ModelProto`` has fixed, None if free."""
    value = next(item for item in model.graph.input if item.name == INPUT_NAME)
    return int(value.type.tensor_type.shape.dim[0].dim_value) or None
