"""Read ONNX files of cpose."""

from pathlib import Path
from typing import Any

from cpose.deploy.model_metadata import INPUT_NAME, ModelMetadata, metadata_of
from cpose.encryption.model_file import is_encrypted, read_model_bytes
from cpose.errors import CheckpointError, import_extra


def load_onnx(path: str | Path) -> tuple[Any, ModelMetadata]:
    """Return the ``onnx.ModelProto`` of a file and its metadata.

    Raises:
        CheckpointError: If the file is missing, broken or not one of ours.
        MissingDependencyError: If the package ``onnx`` is missing.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f'There is no file {file}. Give one that cpose export-onnx wrote.')
    onnx = import_extra('onnx', 'deploy')
    broken = import_extra('google.protobuf.message', 'deploy').DecodeError
    try:
        if is_encrypted(file):
            model = onnx.load_from_string(read_model_bytes(file))
        else:
            model = onnx.load(str(file))
    except (broken, OSError) as error:
        raise CheckpointError(
            f'{file} is not a complete ONNX file ({error}). Export it again.'
        ) from error
    return model, metadata_of(model, file)


def static_batch_of(model: Any) -> int | None:
    """Return the batch size that the input of an ``onnx.ModelProto`` has fixed, None if free."""
    value = next(item for item in model.graph.input if item.name == INPUT_NAME)
    return int(value.type.tensor_type.shape.dim[0].dim_value) or None
