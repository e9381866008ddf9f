"""Read ONNX files of cpose."""

from pathlib import Path
from typing import Any

from cpose.deploy.model_metadata import INPUT_NAME, ModelMetadata, metadata_of
from cpose.deploy.onnx.protobuf import read_proto


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
