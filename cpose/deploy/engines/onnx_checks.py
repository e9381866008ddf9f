"""What an ONNX file must be like before TensorRT is bothered with it."""

from pathlib import Path
from typing import Any

from cpose.deploy.model_metadata import ModelMetadata
from cpose.errors import CheckpointError

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
        raise CheckpointError(
            f'{path} has {len(deformable)} DeformConv nodes ({_listed(deformable)}), which '
            'TensorRT cannot run. Run the file in ONNX Runtime, or train the model with plain '
            "convolutions in the neck (config key model.neck.conv=dict(type='PlainConv'))."
        )
    if metadata.precision == 'int8' and metadata.quantize_target != TARGET:
        raise CheckpointError(
            f'{path} is quantised for ONNX Runtime (target {metadata.quantize_target}: unsigned '
            'activations, whole-number biases), which TensorRT refuses. Give the file it was made '
            'from with --precision int8, or quantise that with --target tensorrt.'
        )


def check_precision(wanted: str, metadata: ModelMetadata, path: str | Path) -> None:
    """Refuse a precision that a file cannot be brought to.

    Raises:
        CheckpointError: If the file is neither fp32 nor of the wanted precision.
    """
    if metadata.precision not in ('fp32', wanted):
        raise CheckpointError(
            f'{path} is an {metadata.precision} file, --precision {wanted} needs an fp32 one. Give '
            f'the fp32 file, or use --precision {metadata.precision}.'
        )


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_LISTED
    return ', '.join(names[:MOST_LISTED]) + (f' and {more} more' if more > 0 else '')
