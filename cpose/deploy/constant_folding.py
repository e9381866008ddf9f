"""Compute what does not depend on the input once, when the file is written."""

from typing import Any

from cpose.errors import import_extra


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
