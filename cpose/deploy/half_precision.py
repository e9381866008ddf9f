"""FP16 for the network of an exported graph."""

import copy
from typing import Any

from cpose.deploy.graph_parts import decoder_nodes, name_nodes
from cpose.errors import import_extra


def convert_to_half(model: Any) -> Any:
    """Return a copy of an ``onnx.ModelProto`` whose network computes in FP16.

    Inputs, outputs and the decoder stay in FP32: above 64 the steps of FP16 are a sixteenth of a
    cell, and squared distances overflow.

    Raises:
        MissingDependencyError: If onnxruntime is missing.
    """
    float16 = import_extra('onnxruntime.transformers.float16', 'deploy')
    converted = copy.deepcopy(model)
    name_nodes(converted)
    return float16.convert_float_to_float16(
        converted, keep_io_types=True, node_block_list=decoder_nodes(converted)
    )
