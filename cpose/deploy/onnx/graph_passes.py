"""Passes over an exported graph: fold what is constant, name what is left, convert to FP16."""

import copy
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from cpose.deploy.model_metadata import BATCH_AXIS
from cpose.deploy.onnx.graph_parts import decoder_nodes, name_nodes
from cpose.errors import ConfigError
from cpose.optional_packages import import_extra


def remove_traces(model: Any) -> None:
    """Remove what exporters note about source files and classes of this machine."""
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        item.doc_string = ''
        del item.metadata_props[:]
    for weight in graph.initializer:
        weight.doc_string = ''
        del weight.metadata_props[:]


def set_shapes(
    model: Any,
    batch: int | None,
    input_wh: tuple[int, int],
    channels: Mapping[str, int],
    rows: int,
    output_sizes: Mapping[str, int],
) -> None:
    """Write the shapes of inputs and outputs into the graph and derive all others from them.

    Args:
        model: ``onnx.ModelProto``, changed in place.
        batch: Images of a run; None for any number.
        input_wh: Width and height of the inputs, pixels.
        channels: Channels of each input by name.
        rows: Detections per image.
        output_sizes: Length of the last axis of each output by name.
    """
    onnx = import_extra('onnx', 'deploy')
    first = BATCH_AXIS if batch is None else batch
    shapes: dict[str, tuple[int | str, ...]] = {
        **{name: (first, count, input_wh[1], input_wh[0]) for name, count in channels.items()},
        **{name: (first, rows, size) for name, size in output_sizes.items()},
    }
    for item in (*model.graph.input, *model.graph.output):
        if item.name in shapes:
            item.CopyFrom(
                onnx.helper.make_tensor_value_info(
                    item.name, onnx.TensorProto.FLOAT, shapes[item.name]
                )
            )
    del model.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    model.graph.value_info.extend(inferred.graph.value_info)


def keep_outputs(model: Any, names: Sequence[str]) -> None:
    """Let a graph have these outputs alone; the tensors of the others stay if they are needed."""
    outputs = {item.name: item for item in model.graph.output}
    others = [item for name, item in outputs.items() if name not in names]
    del model.graph.output[:]
    model.graph.output.extend(outputs[name] for name in names)
    model.graph.value_info.extend(others)


def with_outputs(model: Any, names: Sequence[str]) -> Any:
    """Return a copy of a graph that gives some of its inner tensors too."""
    onnx = import_extra('onnx', 'deploy')
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return probe


def check_contract(model: Any, opset: int) -> None:
    """Check that a graph is valid, of the opset asked for, and made of standard operators alone.

    Raises:
        ConfigError: If it is of another opset or has other operators.
        onnx.checker.ValidationError: If it is not valid ONNX.
    """
    onnx = import_extra('onnx', 'deploy')
    written = {item.domain or 'ai.onnx': item.version for item in model.opset_import}
    foreign = sorted({f'{node.domain}.{node.op_type}' for node in model.graph.node if node.domain})
    if foreign or model.functions:
        raise ConfigError(
            f'The graph has operators that ONNX does not define: {", ".join(foreign)}',
            advice='Replace the layers that need them',
        )
    if written != {'ai.onnx': opset}:
        raise ConfigError(
            f'is not what the exporter wrote: its operators are {written}',
            argument='opset',
            value=opset,
            advice='Use another {opset}',
        )
    onnx.checker.check_model(model, full_check=True)


def fold_constants(model: Any) -> None:
    """Replace the nodes of an ``onnx.ModelProto`` that depend on weights alone by their result.

    Raises:
        MissingDependencyError: If onnx or onnxruntime is missing.
    """
    onnx = import_extra('onnx', 'deploy')
    graph = model.graph
    folded = _constant_nodes(graph)
    if folded:
        names = {output for node in folded for output in node.output}
        rest = [node for node in graph.node if not names.intersection(node.output)]
        wanted = sorted(names.intersection(name for node in rest for name in node.input))
        values = _evaluate(onnx, model, folded, wanted)
        graph.initializer.extend(
            onnx.numpy_helper.from_array(values[name], name) for name in wanted
        )
        del graph.node[:]
        graph.node.extend(rest)
    used = {name for node in graph.node for name in node.input}
    kept = [weight for weight in graph.initializer if weight.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _constant_nodes(graph: Any) -> list[Any]:
    constants = {weight.name for weight in graph.initializer} | {''}
    outputs = {item.name for item in graph.output}
    found = []
    for node in graph.node:
        if constants.issuperset(node.input) and not outputs.intersection(node.output):
            constants.update(node.output)
            found.append(node)
    return found


def _evaluate(onnx: Any, model: Any, nodes: list[Any], wanted: list[str]) -> dict[str, Any]:
    onnxruntime = import_extra('onnxruntime', 'deploy')
    used = {name for node in nodes for name in node.input}
    weights = [weight for weight in model.graph.initializer if weight.name in used]
    outputs = [onnx.ValueInfoProto(name=name) for name in wanted]
    part = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, 'constants', [], outputs, weights),
        opset_imports=model.opset_import,
        ir_version=model.ir_version,
    )
    session = onnxruntime.InferenceSession(
        part.SerializeToString(), providers=['CPUExecutionProvider']
    )
    return dict(zip(wanted, session.run(wanted, {}), strict=True))


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
