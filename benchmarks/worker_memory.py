"""Memory that a worker process of a data loader holds after many samples.

Run ``python benchmarks/worker_memory.py --quick`` or ``--out worker_memory.json``. Needs Linux.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import cv2
import torch
from data import PIPELINE
from measure import Figure, benchmark_parser, publish
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from cpose.datasets.centerpose_dataset import CenterPoseDataset
from cpose.datasets.synthetic.folder import write_images
from cpose.datasets.synthetic.shapes.carton import Carton
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset

TITLE = 'Memory of a data loader worker, training samples of 64×64 pixels'

SIDE = 64
FILES = 100
BATCH_SIZE = 4


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def collate_with_memory(samples: list[Any]) -> tuple[Any, int]:
    """Return a batch and the memory of the worker that made it."""
    return pseudo_collate(samples), resident_bytes()


def measure(folder: Path, counts: tuple[int, ...]) -> list[Figure]:
    """Read the files again and again; return the memory after each number of samples."""
    size = (SIDE, SIDE)
    for _ in write_images(SyntheticCuboidDataset(FILES, image_wh=size, objects=(2, 2)), folder):
        pass
    dataset = CenterPoseDataset(str(folder), PIPELINE, Carton.metainfo, input_wh=size)
    loader = DataLoader(
        dataset,
        batch_size=BATCH_SIZE,
        sampler=[number % len(dataset) for number in range(max(counts))],
        num_workers=1,
        collate_fn=collate_with_memory,
    )
    found = [memory for _, memory in loader]
    return [
        Figure(f'after {count:,} samples', found[count // BATCH_SIZE - 1] / 1e6, 'MB')
        for count in counts
    ]


def main() -> None:
    """Measure, print and write."""
    args = benchmark_parser(__doc__).parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    counts = (200, 2000) if args.quick else (1000, 10_000)
    with DefaultScope.overwrite_default_scope('cpose'), tempfile.TemporaryDirectory() as name:
        figures = measure(Path(name), counts)
    publish(TITLE, figures, args.out)


if __name__ == '__main__':
    main()
