"""Where the network ends and the decoder begins in an exported graph.

The decoder (sigmoid, peaks, top-k, gathers) and the last convolution of each branch stay in
floating point: 256 steps over the reach of a corner displacement are a quarter of a cell each.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from cpose.errors import ConfigError, nearest_names

WEIGHTED_OPS = frozenset({'Conv', 'ConvTranspose', 'DeformConv', 'Gemm', 'MatMul'})


def name_nodes(model: Any) -> None:
    """Give every node of an ``onnx.ModelProto`` a name; those that have one keep it."""
    taken = {node.name for node in model.graph.node}
    for number, node in enumerate(model.graph.node):
        if not node.name:
            node.name = f'{node.op_type}_{number}'
            while node.name in taken:
                node.name += '_'
            taken.add(node.name)


def prepare_graph(model: Any) -> Any:
    """Return a copy of an ``onnx.ModelProto`` in which every node has a name, every weight too.

    Exporters write equal weights once and name their other uses by Identity nodes; the quantiser
    knows a bias by its name only.
    """
    graph = type(model)()
    graph.CopyFrom(model)
    _inline_shared_weights(graph)
    name_nodes(graph)
    return graph


def last_weighted_nodes(model: Any) -> list[Any]:
    """Return the nodes with weights that no other node with weights comes after."""
    body = _ancestors(model, [node for node in model.graph.node if node.op_type in WEIGHTED_OPS])
    return [
        node
        for node in model.graph.node
        if node.op_type in WEIGHTED_OPS and not body.intersection(node.output)
    ]


def raw_map_names(model: Any) -> list[str]:
    """Return the tensors that the network hands to the decoder."""
    return [node.output[0] for node in last_weighted_nodes(model)]


def decoder_nodes(model: Any) -> list[str]:
    """Return the names of the nodes that follow the last convolutions."""
    body = _ancestors(model, [node for node in model.graph.node if node.op_type in WEIGHTED_OPS])
    return [
        node.name
        for node in model.graph.node
        if node.op_type not in WEIGHTED_OPS and not body.intersection(node.output)
    ]


def offset_nodes(model: Any) -> list[str]:
    """Return the names of additions of a constant, such as the bias of a linear layer.

    TensorRT builds no engine where that constant is a whole number of another shape.
    """
    constants = {item.name for item in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == 'Constant'}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == 'Add' and constants.intersection(node.input)
    ]


def float_nodes(model: Any) -> list[str]:
    """Return the names of all nodes that are never quantised.

    They are the last convolutions, the decoder and additions of a constant.
    """
    names = [node.name for node in last_weighted_nodes(model)] + decoder_nodes(model)
    return list(dict.fromkeys([*names, *offset_nodes(model)]))


def quantizable_nodes(model: Any, op_types: Iterable[str]) -> list[str]:
    """Return the names of the nodes of some types that may be quantised, in the graph's order."""
    kept, types = set(float_nodes(model)), set(op_types)
    return [
        node.name for node in model.graph.node if node.op_type in types and node.name not in kept
    ]


def match_nodes(patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the names that fit any of some names or shell patterns.

    Raises:
        ConfigError: If a pattern fits none.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ConfigError(
                'is the name of no node that could be quantised',
                argument='keep_float',
                value=pattern,
                advice=nearest_names(pattern, names),
            )
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _ancestors(model: Any, nodes: Iterable[Any]) -> set[str]:
    """Return the names of all tensors that nodes depend on."""
    producer = {output: node for node in model.graph.node for output in node.output}
    found: set[str] = set()
    waiting = [name for node in nodes for name in node.input]
    while waiting:
        name = waiting.pop()
        if name and name not in found:
            found.add(name)
            waiting += producer[name].input if name in producer else []
    return found


def _inline_shared_weights(model: Any) -> None:
    weights = {item.name for item in model.graph.initializer}
    outputs = {item.name for item in model.graph.output}
    shared = [
        node
        for node in model.graph.node
        if node.op_type == 'Identity' and node.input[0] in weights and node.output[0] not in outputs
    ]
    source = {node.output[0]: node.input[0] for node in shared}
    for node in shared:
        model.graph.node.remove(node)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = source.get(name, name)
