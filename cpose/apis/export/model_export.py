"""From config and checkpoint to a verified ONNX file."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

import cpose
from cpose.apis.builder import build_model
from cpose.apis.export.verification_pictures import make_pictures
from cpose.apis.inference.inference_parts import find_categories, find_metainfo
from cpose.checkpoints.stored_config import config_to_json
from cpose.deploy.model_metadata import ModelMetadata
from cpose.deploy.onnx.export import check_packages, make_onnx
from cpose.deploy.onnx.settings import ExportSettings
from cpose.deploy.onnx.verify import Comparison, check_bounds, compare_with_torch
from cpose.errors import ConfigError
from cpose.files.model_files import check_new_file, write_model_atomic


@dataclass(frozen=True)
class ExportResult:
    """What an export did.

    Attributes:
        path: The file.
        num_bytes: Its size.
        num_nodes: Operators in its graph.
        export_seconds: Time to make the graph.
        verify_seconds: Time to compare it with the network.
        pictures: What it was compared on, in words.
        lines: Differences from the network.
    """

    path: Path
    num_bytes: int
    num_nodes: int
    export_seconds: float
    verify_seconds: float
    pictures: str
    lines: list[Comparison]


def export_model(
    config: Config,
    checkpoint: str | Path,
    out: str | Path,
    settings: ExportSettings,
    images: Sequence[str | Path] | None = None,
    may_replace: bool = False,
) -> ExportResult:
    """Export a model to one ONNX file, which is written after it has proved equal to the network.

    Args:
        config: Config of the model.
        checkpoint: Weights.
        out: File to write.
        settings: How.
        images: Files or folders to compare on, see `make_pictures`.
        may_replace: Whether an existing file may be overwritten.

    Raises:
        ConfigError: If the network cannot be exported so, or the file has another ending.
        CheckpointError: If the checkpoint cannot be used, or graph and network differ.
        OutputError: If the file cannot be written.
        MissingDependencyError: If a package of the extra ``deploy`` is missing.
    """
    if Path(out).suffix != '.onnx':
        raise ConfigError('must end with .onnx', argument='out', value=out)
    check_new_file(out, may_replace)
    check_packages()
    model = build_model(config, checkpoint)
    pictures = make_pictures(config, settings.input_wh, images)
    start = time.perf_counter()
    graph = make_onnx(model, settings, make_metadata(config, model, settings))
    exported = time.perf_counter()
    lines = compare_with_torch(graph, model, pictures.pixels, settings)
    check_bounds(lines)
    verified = time.perf_counter()
    content = graph.SerializeToString()
    write_model_atomic(out, content)
    return ExportResult(
        path=Path(out),
        num_bytes=len(content),
        num_nodes=len(graph.graph.node),
        export_seconds=exported - start,
        verify_seconds=verified - exported,
        pictures=pictures.origin,
        lines=lines,
    )


def make_metadata(config: Config, model: Any, settings: ExportSettings) -> ModelMetadata:
    """Return what the file shall tell about itself."""
    symmetry = find_metainfo(config)['symmetry']
    pixels = model.data_preprocessor
    return ModelMetadata(
        cpose_version=cpose.__version__,
        class_names=find_categories(config),
        mean=pixels.mean,
        std=pixels.std,
        channel_order=pixels.channel_order,
        input_encoding=settings.input_encoding,
        stride=model.head.codec.stride,
        input_wh=settings.input_wh,
        precision=settings.precision,
        quantize_target='',
        symmetry=json.dumps(symmetry[0] if len(symmetry) == 1 else symmetry),
        config=config_to_json(config),
        outputs={name: asdict(output) for name, output in model.head.codec.outputs.items()},
    )
