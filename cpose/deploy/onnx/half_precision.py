"""FP16 for the network of an exported graph."""

import copy
from graphlib import TopologicalSorter
from typing import Any

from cpose.deploy.onnx.graph_parts import decoder_nodes, name_nodes
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
    half = float16.convert_float_to_float16(
        converted, keep_io_types=True, node_block_list=decoder_nodes(converted)
    )
    _join_casts(half, import_extra('onnx', 'deploy').TensorProto)
    return half


def _join_casts(model: Any, kinds: Any) -> None:
    """Undo what the converter does between two nodes that stay in FP32.

    It stores every value between them in FP16, and converts one that several nodes read once for
    each, under one name, which is no valid graph.
    """
    nodes = model.graph.node
    to_half = {node.output[0]: node.input[0] for node in nodes if _casts_to(node, kinds.FLOAT16)}
    seen: set[str] = set()
    kept = []
    for node in nodes:
        if _casts_to(node, kinds.FLOAT):
            node.input[0] = to_half.get(node.input[0], node.input[0])
        if node.output[0] not in seen:
            kept.append(node)
        seen.update(node.output)
    read = {name for node in kept for name in node.input}
    read.update(item.name for item in model.graph.output)
    used = [node for node in kept if not _casts_to(node, kinds.FLOAT16) or node.output[0] in read]
    ordered = _ordered(used)
    del nodes[:]
    nodes.extend(ordered)


def _ordered(nodes: list[Any]) -> list[Any]:
    """Return copies of nodes, each behind those that it reads from."""
    maker = {name: place for place, node in enumerate(nodes) for name in node.output}
    reads = {
        place: {maker[name] for name in node.input if name in maker}
        for place, node in enumerate(nodes)
    }
    return [copy.deepcopy(nodes[place]) for place in TopologicalSorter(reads).static_order()]


def _casts_to(node: Any, kind: int) -> bool:
    return node.op_type == 'Cast' and node.attribute[0].i == kind
