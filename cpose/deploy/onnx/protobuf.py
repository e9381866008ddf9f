"""ONNX files of any origin, as Protobuf messages."""

from pathlib import Path
from typing import Any

from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, import_extra
from cpose.files.encrypted_file import is_encrypted, read_model_bytes


def read_proto(path: str | Path) -> Any:
    """Return the ``onnx.ModelProto`` of a file, decrypted if it is encrypted.

    Raises:
        CheckpointError: If the file is missing, broken or encrypted with another key.
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
        if is_encrypted(file):
            return onnx.load_from_string(read_model_bytes(file))
        return onnx.load(str(file))
    except (broken, OSError) as error:
        raise CheckpointError(
            f'is not a complete ONNX file ({error})',
            place=FilePlace(file),
            advice='Export it again',
        ) from error
