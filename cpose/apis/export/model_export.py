"""From config and checkpoint to a verified ONNX file."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

import cpose
from cpose.apis.builder import build_model
from cpose.apis.inference.image_sources import SourceImage, read_images
from cpose.apis.inference.inference_parts import (
    build_pipeline,
    find_categories,
    find_metainfo,
    make_record,
)
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.stored_config import config_to_json
from cpose.datasets.annotations.data_folders import find_folders
from cpose.datasets.draws import innermost_configs
from cpose.datasets.synthetic_cuboid_dataset import MIN_SIDE, SyntheticCuboidDataset
from cpose.deploy.model_integrity import sealed_model
from cpose.deploy.model_metadata import ModelMetadata
from cpose.deploy.onnx.export import ExportSettings, check_packages, make_onnx
from cpose.deploy.onnx.verify import Comparison, check_bounds, compare_with_torch
from cpose.error_places import listed
from cpose.errors import ConfigError, DataError
from cpose.files.model_files import check_new_file, write_model_atomic
from cpose.files.outputs import note_input, outputs_guarded
from cpose.models.detectors.scale_pyramid import reads_previous
from cpose.structures.previous_frame import PREVIOUS_CHANNELS

NUM_SYNTHETIC = 2
NUM_TEST = 4
MOST_PICTURES = 16
SEED = 77
MOST_LISTED = 2
"""Folders or files that are named."""


@dataclass(frozen=True)
class Pictures:
    """Pictures to compare on.

    Attributes:
        pixels: (N, 3, H, W) uint8 BGR.
        origin: What they are, in words.
    """

    pixels: Tensor
    origin: str


def make_pictures(
    config: Config, input_wh: tuple[int, int], images: Sequence[str | Path] | None = None
) -> Pictures:
    """Return noise, and real or else synthetic pictures, prepared as the test data.

    Args:
        config: Its test data tells the steps.
        input_wh: Width and height of the network input.
        images: Files or folders, of which the first `MOST_PICTURES` pictures are taken; None for
            the first `NUM_TEST` of the config's test data that can be read, else for synthetic
            ones.

    Raises:
        DataError: If one of ``images`` cannot be read.
    """
    width, height = input_wh
    sources: Iterable[SourceImage]
    if images:
        sources, kind = (
            islice(read_images(images), MOST_PICTURES),
            f'pictures of {listed(images, MOST_LISTED)}',
        )
    else:
        sources, kind = _default_pictures(config, input_wh)
    pipeline = build_pipeline(config)
    noise = np.random.default_rng(SEED).integers(0, 256, (3, height, width), dtype=np.uint8)
    pictures = [torch.from_numpy(noise)]
    for source in sources:
        packed: Any = pipeline(make_record(source, None, input_wh))
        pictures.append(packed['inputs'])
    return Pictures(torch.stack(pictures), f'noise and {len(pictures) - 1} {kind}')


def _default_pictures(
    config: Config, input_wh: tuple[int, int]
) -> tuple[Iterable[SourceImage], str]:
    """Return pictures of the test data, or else synthetic ones, and what they are."""
    folders = _test_folders(config)
    found: list[SourceImage] = []
    for folder in folders:
        with suppress(DataError):  # of a folder without images
            readable = read_images(folder, on_error=lambda _: None)
            found += islice(readable, NUM_TEST - len(found))
    if found:
        return found, f'pictures of {listed(folders, MOST_LISTED)}'
    unused = f' (none of {listed(folders, MOST_LISTED)} can be read)' if folders else ''
    return _draw(input_wh), f'synthetic pictures{unused}'


def _test_folders(config: Config) -> list[str]:
    """Return the folders of the test data that are there."""
    dataset = (config.get('test_dataloader') or {}).get('dataset', {})
    roots = innermost_configs(dataset)[0].get('data_root')
    found = find_folders(roots, find_categories(config)) if roots else []
    return [folder.path for folder in found if Path(folder.path).is_dir()]


def _draw(input_wh: tuple[int, int]) -> Iterator[SourceImage]:
    image_wh = (max(input_wh[0], MIN_SIDE), max(input_wh[1], MIN_SIDE))
    dataset = SyntheticCuboidDataset(NUM_SYNTHETIC, image_wh=image_wh, seed=SEED)
    for number in range(NUM_SYNTHETIC):
        record = dataset.load_record(number)
        yield SourceImage(f'synthetic_{number}', record.image_path, record.image)


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


@outputs_guarded()
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
    note_input(checkpoint, *(images or ()))
    check_new_file(out, may_replace)
    check_packages()
    model = build_model(config, checkpoint)
    pictures = make_pictures(config, settings.input_wh, images)
    start = time.perf_counter()
    metadata = replace(
        make_metadata(config, model, settings), trained_with=training_versions(checkpoint)
    )
    graph = make_onnx(model, settings, metadata)
    exported = time.perf_counter()
    lines = compare_with_torch(graph, model, pictures.pixels, settings)
    check_bounds(lines)
    verified = time.perf_counter()
    content = sealed_model(graph)
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


def training_versions(checkpoint: str | Path) -> dict[str, str]:
    """Return the versions of the packages that a checkpoint was trained with, none if it is mute.

    Raises:
        CheckpointError: If it cannot be read.
    """
    meta = load_checkpoint_file(checkpoint, tensors_only=True).get('meta')
    versions = meta.get('versions') if isinstance(meta, Mapping) else None
    known = versions.items() if isinstance(versions, Mapping) else ()
    return {str(name): str(version) for name, version in known}


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
        config=config_to_json(_with_batch(config, settings.batch)),
        outputs={name: asdict(output) for name, output in model.head.codec.outputs.items()},
        previous_inputs=tuple(PREVIOUS_CHANNELS) if reads_previous(model) else (),
    )


def _with_batch(config: Config, batch: int | None) -> Config:
    """Return a config whose test data come in batches that the file takes."""
    if batch is None or not config.get('test_dataloader'):
        return config
    changed = Config(config.to_dict())
    changed.test_dataloader.batch_size = batch
    return changed
