"""How far raw maps are off after quantisation, and which nodes must stay in float."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpose.deploy.model_metadata import INPUT_NAME
from cpose.deploy.onnx.graph_parts import raw_map_names
from cpose.deploy.onnx.graph_passes import with_outputs
from cpose.optional_packages import import_extra

Quantize = Callable[[Collection[str], Collection[str]], Any]
"""From nodes to keep in float and nodes to quantise alone (empty for all) to the network."""


@dataclass(frozen=True)
class FloatChoice:
    """Nodes that stay in float.

    Attributes:
        nodes: Their names.
        error: Error of the network without them.
        ranking: All groups of nodes with the error that each makes alone, the worst first; empty
            if nothing had to stay.
    """

    nodes: tuple[str, ...]
    error: float
    ranking: tuple[tuple[tuple[str, ...], float], ...] = ()


def choose_float_nodes(
    quantize: Quantize,
    measure: Callable[[Any], float],
    groups: Sequence[Sequence[str]],
    bound: float,
) -> FloatChoice:
    """Find few nodes that bring the error below a bound by staying in float.

    Every group is quantised alone; those with the largest error stay in float first, as many as
    are needed.

    Args:
        quantize: Makes a quantised network.
        measure: Returns the error of a network.
        groups: Nodes that are quantised together.
        bound: Greatest error allowed.
    """
    error = measure(quantize((), ()))
    if error <= bound:
        return FloatChoice((), error)
    errors = [(tuple(group), measure(quantize((), group))) for group in groups]
    ranking = tuple(sorted(errors, key=lambda item: -item[1]))
    measured = {0: error, len(ranking): 0.0}

    def is_enough(count: int) -> bool:
        if count not in measured:
            measured[count] = measure(quantize(_first_nodes(ranking, count), ()))
        return measured[count] <= bound

    too_few, enough = 0, len(ranking)
    while enough - too_few > 1:
        middle = math.ceil((too_few + enough) / 2)
        too_few, enough = (too_few, middle) if is_enough(middle) else (middle, enough)
    return FloatChoice(_first_nodes(ranking, enough), measured[enough], ranking)


def group_activations(model: Any, names: Sequence[str]) -> list[list[str]]:
    """Return names of nodes in groups: each with the Relu behind it, which makes no sense alone."""
    chosen = set(names)
    producer = {output: node for node in model.graph.node for output in node.output}
    groups: dict[str, list[str]] = {}
    for node in model.graph.node:
        if node.name not in chosen:
            continue
        before = producer.get(node.input[0])
        is_behind = node.op_type == 'Relu' and before is not None and before.name in groups
        groups.setdefault(before.name if is_behind and before else node.name, []).append(node.name)
    return list(groups.values())


def _first_nodes(ranking: Sequence[tuple[tuple[str, ...], float]], count: int) -> tuple[str, ...]:
    return tuple(name for group, _ in ranking[:count] for name in group)


def open_session(model: Any, is_exact: bool = False) -> Any:
    """Return an ONNX Runtime session on the CPU for an ``onnx.ModelProto``.

    Args:
        model: The model.
        is_exact: Compute every Q/DQ node as it stands. ONNX Runtime's fused kernels for signed
            activations saturate, which TensorRT does not: files for it are only right like this.
    """
    runtime = import_extra('onnxruntime', 'deploy')
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    if is_exact:
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return runtime.InferenceSession(
        model.SerializeToString(), options, providers=['CPUExecutionProvider']
    )


class RawMapError:
    """Compare quantised networks with the original on some images.

    The error of a map is the root mean square of the difference, divided by the standard deviation
    of the original within its channels; the result is the mean over all maps. Detections are not
    compared: the smallest change puts them into another order.

    Args:
        model: The original, ``onnx.ModelProto``.
        batches: Network inputs, (N, 3, H, W) float32.
        is_exact: See `open_session`.
    """

    def __init__(self, model: Any, batches: Iterable[np.ndarray], is_exact: bool = False) -> None:
        self.batches = list(batches)
        self.is_exact = is_exact
        self.names = raw_map_names(model)
        self.reference = self._run(model, is_exact=False)
        self.spread = [
            max(float(np.sqrt(np.mean(_centred(values) ** 2))), float(np.finfo(np.float32).tiny))
            for values in self.reference
        ]

    def __call__(self, model: Any) -> float:
        """Return the error of a quantised network, 0 for an equal one."""
        maps = self._run(model, self.is_exact)
        return float(
            np.mean(
                [
                    np.sqrt(np.mean((found - wanted) ** 2)) / spread
                    for found, wanted, spread in zip(maps, self.reference, self.spread, strict=True)
                ]
            )
        )

    def _run(self, model: Any, is_exact: bool) -> list[np.ndarray]:
        session = open_session(with_outputs(model, self.names), is_exact)
        runs = [session.run(self.names, {INPUT_NAME: batch}) for batch in self.batches]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def _centred(values: np.ndarray) -> np.ndarray:
    centred: np.ndarray = values - values.mean(axis=(0, 2, 3), keepdims=True)
    return centred
