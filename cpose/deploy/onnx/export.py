"""From a network to an ONNX graph in memory."""

import io
import warnings
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from cpose.deploy.model_metadata import (
    BATCH_AXIS,
    NORMALISED,
    RGB_0_1,
    ModelMetadata,
    attach_metadata,
)
from cpose.deploy.network_inputs import example_input, input_channels, split_inputs
from cpose.deploy.onnx.graph_module import (
    MAP_PREFIX,
    ExportGraph,
    TrackExportGraph,
    map_names,
)
from cpose.deploy.onnx.graph_parts import name_nodes
from cpose.deploy.onnx.graph_passes import (
    check_contract,
    convert_to_half,
    fold_constants,
    keep_outputs,
    remove_traces,
    set_shapes,
)
from cpose.errors import ConfigError, check_number
from cpose.models.detectors.scale_pyramid import reads_previous
from cpose.models.layers.convolutions import ModulatedDeformConv
from cpose.optional_packages import import_extra

PACKAGES = ('onnx', 'onnxruntime', 'onnxscript', 'onnxslim')
NEEDED_OPTIONS = {True: {'dynamo', 'dynamic_axes'}, False: {'dynamic_shapes', 'optimize'}}
"""Options of ``torch.onnx.export`` for the older exporter (True) and the one on torch.export."""

TRACED_OPSETS = (16, 17)
"""Written by PyTorch's older exporter."""

EXPORTED_OPSETS = (18, 19, 20, 21)
"""Written by the exporter on ``torch.export``."""

OPSETS = (*TRACED_OPSETS, *EXPORTED_OPSETS)
DEFORMABLE_OPSET = 19
"""The first opset with an operator for deformable convolutions."""

SIZE_DIVISOR = 32


@dataclass(frozen=True)
class ExportSettings:
    """Settings of an ONNX export.

    Attributes:
        input_wh: Width and height of the input, pixels.
        opset: Version of the ONNX operators.
        batch: Images of a run; None for any number.
        simplify: Whether onnxslim rewrites the graph.
        half: Whether the network computes in FP16; inputs, outputs and the decoder stay FP32.
        is_baked: Whether the graph takes RGB of 0 to 1 and normalises it.

    Raises:
        ConfigError: If a value is not possible.
    """

    input_wh: tuple[int, int]
    opset: int = 18
    batch: int | None = None
    simplify: bool = False
    half: bool = False
    is_baked: bool = False

    def __post_init__(self) -> None:
        for side in self.input_wh:
            if side < SIZE_DIVISOR or side % SIZE_DIVISOR:
                near = max(1, round(side / SIZE_DIVISOR)) * SIZE_DIVISOR
                raise ConfigError(
                    f'must be multiples of {SIZE_DIVISOR}, the coarsest stride of the networks',
                    argument='input_wh',
                    value=self.input_wh,
                    advice=f'Use {near} for {side}',
                )
        if self.opset not in OPSETS:
            raise ConfigError(
                'is not supported',
                argument='opset',
                value=self.opset,
                advice=f'Use one of {", ".join(map(str, OPSETS))}',
            )
        if self.batch is not None:
            advice = 'Leave it out for batches of any size'
            check_number('batch', self.batch, least=1, is_whole=True, advice=advice)

    @property
    def input_encoding(self) -> str:
        """What the caller must feed, as in `ModelMetadata`."""
        return RGB_0_1 if self.is_baked else NORMALISED

    @property
    def precision(self) -> str:
        """``'fp16'`` or ``'fp32'``."""
        return 'fp16' if self.half else 'fp32'


def check_packages() -> None:
    """Check before any work that all packages of the extra ``deploy`` are there.

    Raises:
        MissingDependencyError: If one is not.
    """
    for package in PACKAGES:
        import_extra(package, 'deploy')


def check_exportable(model: Any, settings: ExportSettings) -> None:
    """Check what can be told before the export.

    Raises:
        ConfigError: If PyTorch lacks the exporter, the opset an operator, or the maps have too few
            cells.
    """
    is_traced = settings.opset in TRACED_OPSETS
    if not NEEDED_OPTIONS[is_traced].issubset(signature(torch.onnx.export).parameters):
        other = 'Use {opset} 18' if is_traced else 'Install a newer one, or use {opset} 17'
        raise ConfigError(
            f'has no exporter in PyTorch {torch.__version__}',
            argument='opset',
            value=settings.opset,
            advice=other,
        )
    is_deformable = any(isinstance(module, ModulatedDeformConv) for module in model.modules())
    if is_deformable and settings.opset < DEFORMABLE_OPSET:
        raise ConfigError(
            'has no operator for the deformable convolutions of the network',
            argument='opset',
            value=settings.opset,
            advice=(
                f'Use {{opset}} {DEFORMABLE_OPSET}',
                'Use a network with plain convolutions',
            ),
        )
    codec = model.head.codec
    width, height = settings.input_wh
    cells = width // codec.stride * (height // codec.stride)
    if cells < codec.num_select:
        raise ConfigError(
            f'pixels have {cells} cells, fewer than the {codec.num_select} detections of the codec',
            argument='input_wh',
            value=settings.input_wh,
            advice=('Use a larger input', 'Give the codec a smaller num_select'),
        )


def make_onnx(model: Any, settings: ExportSettings, metadata: ModelMetadata) -> Any:
    """Export a model, decoder included, as an ``onnx.ModelProto``.

    Args:
        model: `CenterPose` in evaluation mode; stays as it is.
        settings: How.
        metadata: What the file tells about itself.

    Raises:
        ConfigError: If the network cannot be exported so.
        MissingDependencyError: If a package of the extra ``deploy`` is missing.
    """
    check_packages()
    check_exportable(model, settings)
    previous = reads_previous(model)
    kind = TrackExportGraph if previous else ExportGraph
    graph = kind(model, settings.input_wh, settings.is_baked).eval()
    is_traced = settings.opset in TRACED_OPSETS
    example = example_input(previous, settings.batch or 2, settings.input_wh)
    inputs = split_inputs(example, previous)
    try:
        exported = (_trace if is_traced else _export)(graph, settings, inputs, _tensor_names(model))
    except torch.onnx.errors.OnnxExporterError as error:
        raise ConfigError(
            f'cannot express the network: {str(error).strip().splitlines()[0]}',
            argument='opset',
            value=settings.opset,
            advice='Use a higher {opset}, it knows more operators',
        ) from error
    if settings.simplify or is_traced:
        exported = import_extra('onnxslim', 'deploy').slim(exported)
    remove_traces(exported)
    fold_constants(exported)
    name_nodes(exported)
    codec = model.head.codec
    sizes = {name: output.size for name, output in codec.outputs.items()}
    channels = input_channels(previous)
    set_shapes(exported, settings.batch, settings.input_wh, channels, codec.num_select, sizes)
    keep_outputs(exported, list(sizes))
    if settings.half:
        exported = convert_to_half(exported)
    attach_metadata(exported, metadata)
    check_contract(exported, settings.opset)
    return exported


def _tensor_names(model: Any) -> list[str]:
    """Return the outputs of a model in order, then its raw maps."""
    return [*model.head.codec.outputs, *(MAP_PREFIX + name for name in map_names(model))]


def _export(
    graph: nn.Module, settings: ExportSettings, inputs: dict[str, Tensor], names: list[str]
) -> Any:
    """Export with ``torch.export``; with a batch of one the axis would count as a fixed one."""
    free = tuple({0: BATCH_AXIS} for _ in inputs)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        program = torch.onnx.export(
            graph,
            tuple(inputs.values()),
            dynamo=True,
            optimize=True,
            verbose=False,
            opset_version=settings.opset,
            input_names=list(inputs),
            output_names=names,
            dynamic_shapes=None if settings.batch else free,
        )
    assert program is not None
    return program.model_proto


def _trace(
    graph: nn.Module, settings: ExportSettings, inputs: dict[str, Tensor], names: list[str]
) -> Any:
    onnx = import_extra('onnx', 'deploy')
    axes = {name: {0: BATCH_AXIS} for name in (*inputs, *names)}
    content: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            graph,
            tuple(inputs.values()),
            content,
            dynamo=False,
            opset_version=settings.opset,
            input_names=list(inputs),
            output_names=names,
            dynamic_axes=None if settings.batch else axes,
        )
    return onnx.load_from_string(content.getvalue())
