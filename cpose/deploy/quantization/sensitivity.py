"""Which nodes must stay in float so that the error of an INT8 network is within a bound."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

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
