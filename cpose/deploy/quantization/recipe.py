"""What each runtime wants of an INT8 file; no one file serves both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cpose.errors import ConfigError


@dataclass(frozen=True)
class QuantizationRecipe:
    """How a graph is quantised for one runtime.

    Attributes:
        target: Who runs the file, ``'ort'`` or ``'tensorrt'``.
        op_types: Operators that compute with whole numbers.
        activation_type: Name in ``onnxruntime.quantization.QuantType``; weights are QInt8.
        options: ``extra_options`` of ``onnxruntime.quantization.quantize_static``.
        has_small_weights: Whether weights have 7 bits. x86 processors without VNNI add products of
            8 bits in 16, which overflow; where they do not, the missing bit costs next to nothing.
    """

    target: str
    op_types: tuple[str, ...]
    activation_type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    has_small_weights: bool = False


RECIPES = {
    'ort': QuantizationRecipe(
        target='ort',
        op_types=('Conv', 'Relu', 'Add', 'MaxPool', 'Concat'),
        activation_type='QUInt8',
        has_small_weights=True,
    ),
    'tensorrt': QuantizationRecipe(
        target='tensorrt',
        op_types=('Conv', 'Add'),
        activation_type='QInt8',
        options={
            'ActivationSymmetric': True,
            'QuantizeBias': False,
            'OpTypesToExcludeOutputQuantization': ['Conv', 'Add'],
        },
    ),
}
"""ONNX Runtime has fast kernels for unsigned activations only, and needs a chain of quantised
operators. TensorRT knows signed symmetric activations only and no bias of whole numbers; it wants
the nodes at the inputs of its operators and finds the chain itself."""


def find_recipe(target: str) -> QuantizationRecipe:
    """Return the recipe for a runtime.

    Raises:
        ConfigError: If there is none.
    """
    if target not in RECIPES:
        raise ConfigError(
            'is unknown', argument='target', value=target, advice=f'Use {" or ".join(RECIPES)}'
        )
    return RECIPES[target]
