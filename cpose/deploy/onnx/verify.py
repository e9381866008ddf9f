"""Compare an exported graph, run by ONNX Runtime, with the network that it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cpose.deploy.network_inputs import split_inputs
from cpose.deploy.onnx.export import ExportSettings
from cpose.deploy.onnx.graph_module import MAP_PREFIX, map_names
from cpose.deploy.onnx.graph_passes import with_outputs
from cpose.deploy.onnx.row_matching import CORNER_OUTPUTS, differences, match_rows, sure_rows
from cpose.errors import CheckpointError
from cpose.models.detectors.scale_pyramid import reads_previous
from cpose.optional_packages import import_extra
from cpose.structures.previous_frame import HEATMAP_CHANNELS, IMAGE_CHANNELS

MAP_BOUNDS = {'fp32': 1e-3, 'fp16': 0.1}
"""Largest difference of a raw map by precision, in standard deviations of the map."""

ROW_BOUNDS = {'fp32': 1e-2, 'fp16': 1.0}
"""Largest difference of detections by precision: heatmap cells, relative above 1."""

DECODER_BOUND = 1e-4
"""The same when both decoders read the same maps."""

TIED_CORNERS = 0.02
"""Part of the corners that the decoders may decide otherwise: equal numbers have no order."""

FLATTEST = 0.01
"""A map counts as having at least this part of its largest magnitude as standard deviation."""


@dataclass(frozen=True)
class Comparison:
    """One line of the comparison.

    Attributes:
        part: What was compared: raw maps, the decoder on the same maps, or detections.
        name: Map or output.
        largest: Largest difference.
        bound: What it may be.
        unit: Of both.
        count: Values or detections compared.
    """

    part: str
    name: str
    largest: float
    bound: float
    unit: str
    count: int

    @property
    def is_within(self) -> bool:
        """Whether the difference is a number and within the bound."""
        return self.largest <= self.bound


def compare_with_torch(
    onnx_model: Any, model: Any, pictures: Tensor, settings: ExportSettings
) -> list[Comparison]:
    """Run graph and network on pictures and compare raw maps, decoders and detections.

    Args:
        onnx_model: ``onnx.ModelProto`` of `make_onnx`.
        model: The network that it was made from.
        pictures: (N, 3, H, W) uint8 BGR.
        settings: How it was made.

    Returns:
        One line per raw map and output.
    """
    normalised = model.data_preprocessor.normalise(pictures)
    inputs = pictures.flip(1).float() / 255 if settings.is_baked else normalised
    if reads_previous(model):
        normalised, inputs = _with_frames_before(normalised), _with_frames_before(inputs)
    with torch.inference_mode():
        results = [model(image[None], mode='tensor') for image in normalised]
        names = map_names(model)
        maps = {name: torch.cat([result[name] for result in results]) for name in names}
        found = _run(onnx_model, inputs, settings.batch, names)
        found_maps = {name: found[MAP_PREFIX + name] for name in names}
        codec = model.head.codec
        doubt = float((maps['hm'] - found_maps['hm']).abs().max())
        return [
            *_compare_maps(maps, found_maps, MAP_BOUNDS[settings.precision]),
            *_compare_decoders(codec, found_maps, found),
            *_compare_detections(codec, maps, found, doubt, ROW_BOUNDS[settings.precision]),
        ]


def _with_frames_before(images: Tensor) -> Tensor:
    """Return images with the next one as the frame before and noise as its heatmaps."""
    count, _, height, width = images.shape
    generator = torch.Generator().manual_seed(0)
    heatmaps = torch.rand(count, HEATMAP_CHANNELS, height, width, generator=generator) ** 8
    return torch.cat([images, images.roll(1, dims=0), heatmaps], dim=1)


def check_bounds(lines: Sequence[Comparison]) -> None:
    """Check that all differences are within their bounds.

    Raises:
        CheckpointError: If one is not.
    """
    for line in lines:
        if not line.is_within:
            raise CheckpointError(
                f'The exported graph differs from the network: {line.part}, {line.name}: '
                f'{line.largest:.3g} {line.unit}, at most {line.bound:g} is allowed; nothing was '
                'written',
                advice='Try another {opset}, without {simplify}, or without {half}',
            )


def _run(
    onnx_model: Any, inputs: Tensor, batch: int | None, map_names: Sequence[str]
) -> dict[str, Tensor]:
    """Return all outputs and raw maps; with batches of any size, of one and of the other images."""
    onnxruntime = import_extra('onnxruntime', 'deploy')
    maps = _maps_for_decoder(onnx_model, map_names)
    outputs = [item.name for item in onnx_model.graph.output]
    names = [*outputs, *maps]
    tensors = [*outputs, *maps.values()]
    probe = with_outputs(onnx_model, list(maps.values()))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        probe.SerializeToString(), options, providers=['CPUExecutionProvider']
    )
    sizes = [batch] * -(-len(inputs) // batch) if batch else [1, len(inputs) - 1]
    filled = np.resize(inputs.numpy(), (sum(sizes), *inputs.shape[1:]))
    parts = torch.from_numpy(filled).split(sizes)
    results = [session.run(tensors, _feed(part)) for part in parts if len(part)]
    return {
        name: torch.from_numpy(np.concatenate(values)[: len(inputs)]).float()
        for name, *values in zip(names, *results, strict=True)
    }


def _feed(inputs: Tensor) -> dict[str, np.ndarray]:
    by_name = split_inputs(inputs, inputs.shape[1] > IMAGE_CHANNELS)
    return {name: part.numpy() for name, part in by_name.items()}


def _maps_for_decoder(onnx_model: Any, map_names: Sequence[str]) -> dict[str, str]:
    """Return the tensors in which the decoder reads the raw maps.

    In an FP16 graph those come after a cast: ONNX Runtime on a CPU computes in FP32 and leaves out
    the rounding between two casts.
    """
    tensors = {MAP_PREFIX + name: MAP_PREFIX + name for name in map_names}
    for node in reversed(onnx_model.graph.node):
        if node.op_type == 'Cast' and node.input[0] in tensors:
            tensors[node.input[0]] = node.output[0]
    return tensors


def _compare_maps(
    maps: Mapping[str, Tensor], found: Mapping[str, Tensor], bound: float
) -> list[Comparison]:
    lines = []
    for name, values in maps.items():
        scale = torch.maximum(values.std(), FLATTEST * values.abs().max())
        largest = float((values - found[name]).abs().max() / scale)
        lines.append(Comparison('raw maps', name, largest, bound, 'σ', values.numel()))
    return lines


def _compare_decoders(
    codec: Any, maps: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> list[Comparison]:
    expected = codec.decode(maps)
    rows = sure_rows(maps['hm'], codec.num_select, 0.0)
    return _compare_rows('decoder', codec, expected, found, rows, DECODER_BOUND)


def _compare_detections(
    codec: Any,
    maps: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    doubt: float,
    bound: float,
) -> list[Comparison]:
    decoded = codec.decode(maps)
    expected = {name: value for name, value in decoded.items() if name not in CORNER_OUTPUTS}
    rows = sure_rows(maps['hm'], codec.num_select, doubt)
    return _compare_rows('detections', codec, expected, found, rows, bound)


def _compare_rows(
    part: str,
    codec: Any,
    expected: dict[str, Tensor],
    found: Mapping[str, Tensor],
    rows: Tensor,
    bound: float,
) -> list[Comparison]:
    largest, count, others = differences(match_rows(expected, found, rows), bound)
    lines = [
        Comparison(part, name, value, bound, codec.outputs[name].unit, count)
        for name, value in largest.items()
    ]
    if 'kps' in expected:
        corners = 2 * 8 * count
        share = others / max(corners, 1)
        lines.append(Comparison(part, 'other corners', share, TIED_CORNERS, '', corners))
    return lines
