"""Names and shapes of an exported graph as the contract has them, and nothing besides."""

from collections.abc import Sequence
from typing import Any

from cpose.deploy.model_metadata import BATCH_AXIS, INPUT_NAME, OUTPUT_SIZES
from cpose.errors import ConfigError, import_extra


def remove_traces(model: Any) -> None:
    """Remove what exporters note about source files and classes of this machine."""
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        item.doc_string = ''
        del item.metadata_props[:]
    for weight in graph.initializer:
        weight.doc_string = ''
        del weight.metadata_props[:]


def set_shapes(model: Any, batch: int | None, input_wh: tuple[int, int], rows: int) -> None:
    """Write the shapes of input and outputs into the graph and derive all others from them.

    Args:
        model: ``onnx.ModelProto``, changed in place.
        batch: Images of a run; None for any number.
        input_wh: Width and height of the input, pixels.
        rows: Detections per image.
    """
    onnx = import_extra('onnx', 'deploy')
    first = BATCH_AXIS if batch is None else batch
    shapes: dict[str, tuple[int | str, ...]] = {
        INPUT_NAME: (first, 3, input_wh[1], input_wh[0]),
        **{name: (first, rows, size) for name, size in OUTPUT_SIZES.items()},
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
            f'The graph has operators that ONNX does not define: {", ".join(foreign)}. Replace the '
            'layers that need them.'
        )
    if written != {'ai.onnx': opset}:
        raise ConfigError(
            f'The exporter wrote operators {written} instead of opset {opset}. Use another --opset.'
        )
    onnx.checker.check_model(model, full_check=True)
