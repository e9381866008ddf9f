"""Pictures on which an exported model is compared with the network."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from cpose.apis.image_sources import SourceImage, read_images
from cpose.apis.inference_parts import build_pipeline, make_record
from cpose.datasets.synthetic_cuboid_dataset import MIN_SIDE, SyntheticCuboidDataset

NUM_SYNTHETIC = 2
MOST_PICTURES = 16
SEED = 77


def make_pictures(
    config: Config, input_wh: tuple[int, int], images: Sequence[str | Path] | None = None
) -> Tensor:
    """Return noise, and real or else synthetic pictures, prepared as the test data.

    Args:
        config: Its test data tells the steps.
        input_wh: Width and height of the network input.
        images: Files or folders, of which the first `MOST_PICTURES` pictures are taken.

    Returns:
        (N, 3, H, W) uint8 BGR.

    Raises:
        DataError: If an image cannot be read.
    """
    width, height = input_wh
    sources = read_images(list(images)) if images else _draw(input_wh)
    pipeline = build_pipeline(config)
    noise = np.random.default_rng(SEED).integers(0, 256, (3, height, width), dtype=np.uint8)
    pictures = [torch.from_numpy(noise)]
    for source in islice(sources, MOST_PICTURES):
        packed: Any = pipeline(make_record(source, None, input_wh))
        pictures.append(packed['inputs'])
    return torch.stack(pictures)


def _draw(input_wh: tuple[int, int]) -> Iterator[SourceImage]:
    image_wh = (max(input_wh[0], MIN_SIDE), max(input_wh[1], MIN_SIDE))
    dataset = SyntheticCuboidDataset(NUM_SYNTHETIC, image_wh=image_wh, seed=SEED)
    for number in range(NUM_SYNTHETIC):
        record = dataset.load_record(number)
        yield SourceImage(f'synthetic_{number}', record['img_path'], record['img'])
