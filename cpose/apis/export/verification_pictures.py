"""Pictures on which an exported model is compared with the network."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from cpose.apis.inference.image_sources import SourceImage, read_images
from cpose.apis.inference.inference_parts import build_pipeline, find_categories, make_record
from cpose.datasets.centerpose_dataset import expand_roots
from cpose.datasets.draws import innermost_configs
from cpose.datasets.synthetic_cuboid_dataset import MIN_SIDE, SyntheticCuboidDataset
from cpose.errors import DataError

NUM_SYNTHETIC = 2
NUM_TEST = 4
MOST_PICTURES = 16
SEED = 77


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
        sources, kind = islice(read_images(images), MOST_PICTURES), f'pictures of {_listed(images)}'
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
        return found, f'pictures of {_listed(folders)}'
    unused = f' (none of {_listed(folders)} can be read)' if folders else ''
    return _draw(input_wh), f'synthetic pictures{unused}'


def _test_folders(config: Config) -> list[str]:
    """Return the folders of the test data that are there."""
    dataset = (config.get('test_dataloader') or {}).get('dataset', {})
    roots = innermost_configs(dataset)[0].get('data_root')
    found = expand_roots(roots, find_categories(config)) if roots else []
    return [root for root in found if Path(root).is_dir()]


def _listed(places: Sequence[str | Path]) -> str:
    more = f' and {len(places) - 2} more' if len(places) > 2 else ''
    return ', '.join(map(str, places[:2])) + more


def _draw(input_wh: tuple[int, int]) -> Iterator[SourceImage]:
    image_wh = (max(input_wh[0], MIN_SIDE), max(input_wh[1], MIN_SIDE))
    dataset = SyntheticCuboidDataset(NUM_SYNTHETIC, image_wh=image_wh, seed=SEED)
    for number in range(NUM_SYNTHETIC):
        record = dataset.load_record(number)
        yield SourceImage(f'synthetic_{number}', record.image_path, record.image)
