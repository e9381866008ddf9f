"""Whether a deployed model is what was written: checksum, finite weights, sensible metadata.

An ONNX file of ours ends with its checksum, as the last entry of its metadata. Files of the first
release have none.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cpose.error_places import FilePlace, listed
from cpose.errors import DAMAGED_FILE_ERRORS, CheckpointError
from cpose.optional_packages import import_extra

CHECKSUM_KEY = 'cpose.sha256'
CHANGED = (
    'Copy or export it again',
    f'Remove its metadata {CHECKSUM_KEY} if you changed it yourself',
)
PROPERTIES_TAG = b'\x72'
"""How protobuf begins an entry of ``metadata_props``: field 14, with its length."""
ENTRY = re.compile(
    re.escape(PROPERTIES_TAG + b'\x50\x0a' + bytes([len(CHECKSUM_KEY)]) + CHECKSUM_KEY.encode())
    + rb'\x12\x40([0-9a-f]{64})\Z'
)
ENTRY_BYTES = 2 + 0x50
SHOWN = 4


def sealed_model(model: Any) -> bytes:
    """Return the bytes of an ``onnx.ModelProto`` with a checksum of all of them at the end."""
    remove_checksum(model)
    content: bytes = model.SerializeToString()
    entry = type(model)()
    entry.metadata_props.add(key=CHECKSUM_KEY, value=hashlib.sha256(content).hexdigest())
    return content + entry.SerializeToString()


def remove_checksum(model: Any) -> None:
    """Take the checksum out of an ``onnx.ModelProto``, which is about to change."""
    for item in [item for item in model.metadata_props if item.key == CHECKSUM_KEY]:
        model.metadata_props.remove(item)


def check_content(content: bytes, path: str | Path) -> None:
    """Compare the bytes of an ONNX file with the checksum at their end, if there is one.

    Raises:
        CheckpointError: If they differ.
    """
    match = ENTRY.search(content[-ENTRY_BYTES:])
    if match is None:
        return
    check_digest(memoryview(content)[:-ENTRY_BYTES], match[1].decode(), path, CHANGED)


def check_digest(
    content: bytes | memoryview,
    expected: str | None,
    path: str | Path,
    advice: str | tuple[str, ...] = 'Copy or build it again',
) -> None:
    """Compare bytes with their SHA-256, if that is known.

    Raises:
        CheckpointError: If they differ.
    """
    if expected is not None and hashlib.sha256(content).hexdigest() != expected:
        raise CheckpointError(
            'is damaged or was changed: its checksum is another',
            place=FilePlace(path),
            advice=advice,
        )


def check_weights(model: Any, path: str | Path) -> None:
    """Check that all weights of an ``onnx.ModelProto`` are in it, and are numbers.

    Constants may be infinite, such as the start of a search for the largest value.

    Raises:
        CheckpointError: If weights are in another file, are NaN, or infinite in part.
    """
    onnx = import_extra('onnx', 'deploy')
    for tensor in _all_tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise CheckpointError(
                f'keeps the weights {tensor.name} in another file, which a model of cpose never '
                'does',
                place=FilePlace(path),
                advice='Export it again with `cpose export-onnx`',
            )
    bad = [item.name for item in model.graph.initializer if not _is_finite(_values(item, path))]
    if bad:
        raise CheckpointError(
            f'has {len(bad)} weights with infinite values or NaN ({listed(bad, SHOWN)})',
            place=FilePlace(path),
            advice='Copy or export it again',
        )


def _all_tensors(graph: Any) -> Iterator[Any]:
    """Yield weights and constants of an ``onnx.GraphProto`` and of the graphs in it."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for attribute in (item for node in graph.node for item in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for inner in (attribute.g, *attribute.graphs):
            if inner.node or inner.initializer:
                yield from _all_tensors(inner)


def _values(tensor: Any, path: str | Path) -> Any:
    """Return the values of an ``onnx.TensorProto``.

    Raises:
        CheckpointError: If its type, shape and bytes do not fit.
    """
    try:
        return import_extra('onnx', 'deploy').numpy_helper.to_array(tensor)
    except DAMAGED_FILE_ERRORS as error:
        raise CheckpointError(
            f'has weights {tensor.name} that are no array ({error})',
            place=FilePlace(path),
            advice='Copy or export it again',
        ) from error


def _is_finite(values: Any) -> bool:
    if values.dtype.kind != 'f' or not values.size:
        return True
    low, high = float(values.min()), float(values.max())  # NaN passes through both
    is_constant = low == high
    return math.isfinite(low + high) or (is_constant and not math.isnan(low))


def check_tensors(
    model: Any, channels: Mapping[str, int], input_wh: Sequence[int], path: str | Path
) -> None:
    """Check what an ``onnx.ModelProto`` declares of its inputs and outputs.

    Args:
        model: The model.
        channels: Those of each input.
        input_wh: Width and height of the inputs that its metadata names.
        path: Its file, for messages.

    Raises:
        CheckpointError: If one is no tensor of float32, or an input of another shape.
    """
    weights = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in weights]
    shapes = {item.name: [channels[item.name], *reversed(input_wh)] for item in inputs}
    single = import_extra('onnx', 'deploy').TensorProto.FLOAT
    for item in (*inputs, *model.graph.output):
        tensor, shape = item.type.tensor_type, shapes.get(item.name)
        found = [size.dim_value for size in tensor.shape.dim][1:]
        if tensor.elem_type != single or shape not in (None, found):
            batch = f' (batch, {", ".join(map(str, shape))})' if shape else ''
            raise CheckpointError(
                f'must have {item.name} as float32{batch}, and declares something else',
                place=FilePlace(path),
                advice='Export the model again with `cpose export-onnx`',
            )


def check_metadata(values: Mapping[str, Any]) -> None:
    """Check the values of a `ModelMetadata` that a file gives.

    Args:
        values: By name of the field.

    Raises:
        ValueError: Naming the field and what it must be.
    """
    for name, (is_right, wanted) in RULES.items():
        if name in values and not is_right(values[name]):
            raise ValueError(f'{name}={str(values[name])[:80]} must be {wanted}')


def _is_texts(value: Any) -> bool:
    return _is_list(value) and bool(value) and all(isinstance(item, str) for item in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_whole(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_three(value: Any, above: float) -> bool:
    return (
        _is_list(value)
        and len(value) == 3
        and all(
            isinstance(item, int | float) and math.isfinite(item) and item > above for item in value
        )
    )


def _is_size(value: Any) -> bool:
    return _is_list(value) and len(value) == 2 and all(_is_whole(item, MAX_SIDE) for item in value)


def _is_outputs(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(
            isinstance(item, Mapping)
            and _is_whole(item.get('size'), MAX_SIDE)
            and isinstance(item.get('unit'), str)
            for item in value.values()
        )
    )


def _is_object(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict | list)
    except (ValueError, RecursionError):
        return False


def _one_of(*known: str) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in known, f'one of {", ".join(map(repr, known))}'


MAX_SIDE = 1 << 15
MAX_STRIDE = 64
RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    'cpose_version': (lambda value: isinstance(value, str), 'a text'),
    'class_names': (_is_texts, 'a list of names'),
    'mean': (lambda value: _is_three(value, -math.inf), 'three finite numbers'),
    'std': (lambda value: _is_three(value, 0), 'three finite numbers above 0'),
    'channel_order': _one_of('bgr', 'rgb'),
    'input_encoding': _one_of('normalised', 'rgb_0_1'),
    'stride': (lambda value: _is_whole(value, MAX_STRIDE), f'a whole number up to {MAX_STRIDE}'),
    'input_wh': (_is_size, f'two whole numbers up to {MAX_SIDE}'),
    'precision': _one_of('fp32', 'fp16', 'int8'),
    'quantize_target': _one_of('', 'ort', 'tensorrt'),
    'symmetry': (_is_object, 'JSON'),
    'config': (_is_object, 'JSON'),
    'outputs': (_is_outputs, 'an object with size and unit of each output'),
    'trained_with': (lambda value: isinstance(value, Mapping), 'an object'),
    'previous_inputs': (lambda value: value == [] or _is_texts(value), 'a list of names'),
}
"""What each field must be, and in words."""
