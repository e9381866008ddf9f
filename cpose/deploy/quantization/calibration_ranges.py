"""Ranges of the values in a network, and the quantised graph made with them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from cpose.deploy.model_metadata import INPUT_NAME
from cpose.deploy.onnx.graph_parts import float_nodes
from cpose.deploy.quantization.calibration_cache import Ranges
from cpose.errors import ConfigError, MissingDependencyError
from cpose.files.encrypted_file import scratch_folder
from cpose.optional_packages import import_extra


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


METHOD = 'minmax 1'
"""Least and greatest value seen; raise the number when ranges of old cache files become wrong."""


def measure_ranges(model: Any, batches: Iterable[np.ndarray]) -> Ranges:
    """Run a network on images and return the range of every value that may be quantised.

    Args:
        model: ``onnx.ModelProto`` in float32.
        batches: Network inputs, (N, 3, H, W) float32.

    Returns:
        Ranges for every recipe.
    """
    onnx = import_extra('onnx', 'deploy')
    quantization = import_extra('onnxruntime.quantization', 'deploy')
    op_types = sorted({name for recipe in RECIPES.values() for name in recipe.op_types})
    with scratch_folder() as folder:
        source = Path(folder, 'model.onnx')
        onnx.save(model, str(source))
        calibrator = quantization.create_calibrator(
            source, op_types, str(Path(folder, 'augmented.onnx'))
        )
        calibrator.collect_data(_reader(quantization, batches))
        measured = calibrator.compute_data()
    return {
        name: (data.range_value[0].item(), data.range_value[1].item())
        for name, data in measured.items()
    }


def quantize_with_ranges(
    model: Any,
    ranges: Ranges,
    recipe: QuantizationRecipe,
    keep_float: Collection[str] = (),
    only: Collection[str] = (),
) -> Any:
    """Return a quantised copy of a network; last convolutions and decoder stay in float.

    Args:
        model: ``onnx.ModelProto`` in float32 whose nodes have names.
        ranges: As `measure_ranges` returns them.
        recipe: For which runtime.
        keep_float: Names of more nodes that stay in float.
        only: Names of the nodes to quantise; empty for all that the recipe quantises.

    Returns:
        ``onnx.ModelProto``.
    """
    onnx = import_extra('onnx', 'deploy')
    quantization = import_extra('onnxruntime.quantization', 'deploy')
    _check_version(quantization)
    kinds = quantization.QuantType
    with scratch_folder() as folder:
        source, result = Path(folder, 'model.onnx'), Path(folder, 'int8.onnx')
        cache = Path(folder, 'ranges.json')
        quantization.save_tensors_data(_tensors_data(quantization, ranges), cache)
        onnx.save(_marked_as_prepared(onnx, model), str(source))
        quantization.quantize_static(
            source,  # a model in memory would be copied to a folder of the tool's own
            result,
            op_types_to_quantize=list(recipe.op_types),
            per_channel=True,
            reduce_range=recipe.has_small_weights,
            activation_type=getattr(kinds, recipe.activation_type),
            weight_type=kinds.QInt8,
            nodes_to_quantize=list(only),
            nodes_to_exclude=[*float_nodes(model), *keep_float],
            extra_options=dict(recipe.options),
            calibration_cache_path=cache,
        )
        return onnx.load(str(result))


def _check_version(quantization: Any) -> None:
    if 'calibration_cache_path' not in signature(quantization.quantize_static).parameters:
        raise MissingDependencyError(
            'INT8 needs onnxruntime 1.27 or newer, which needs Python 3.11',
            advice="Install it with: pip install 'onnxruntime>=1.27'",
        )


def _marked_as_prepared(onnx: Any, model: Any) -> Any:
    """Return a copy with the mark that keeps the tool from logging advice on the root logger."""
    marked = type(model)()
    marked.CopyFrom(model)
    onnx.helper.set_model_props(marked, {'onnx.quant.pre_process': 'onnxruntime.quant'})
    return marked


def _reader(quantization: Any, batches: Iterable[np.ndarray]) -> Any:
    class Reader(quantization.CalibrationDataReader):
        """Hand out the batches one by one."""

        def __init__(self) -> None:
            self.rest = iter(batches)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """Return the next inputs, None at the end."""
            batch = next(self.rest, None)
            return None if batch is None else {INPUT_NAME: batch}

    return Reader()


def _tensors_data(quantization: Any, ranges: Ranges) -> Any:
    pairs = {
        name: (np.array(low, np.float32), np.array(high, np.float32))
        for name, (low, high) in ranges.items()
    }
    return quantization.TensorsData(quantization.CalibrationMethod.MinMax, pairs)
