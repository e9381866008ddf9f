"""Speed of reading and augmenting training samples, and of starting with many files.

Run ``python benchmarks/data.py --quick`` or ``--out data.json``. Drawing of targets is not
included: it happens once per batch on the device.
"""

import json
import pickle
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from measure import TAO_MACHINE, WARM_UP, Figure, benchmark_parser, publish
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from cpose.apis.config.load import load_config
from cpose.datasets.centerpose_dataset import CenterPoseDataset

TITLE = 'Training samples, 600×800 PNG, input 512×512'

ANNOTATIONS = Path(__file__).parents[1] / 'tests' / 'data' / 'reference' / 'annotations'
REFERENCE_MS = {1: 25.628, 12: 64.745}
"""Median per training sample of TAO PyTorch 6.25.10 by number of symmetries, targets included:
600×800 PNG with two objects, one process, 2-core Xeon at 2.5 GHz, OpenCV 4.11
(``reference_speed_post.json``, ``dataset_getitem_train_num_symmetry*_two_objects``)."""
REFERENCE_BYTES = {
    symmetries: 4 * (3 * 512 * 512 + symmetries * 9 * 128 * 128) for symmetries in REFERENCE_MS
}
"""A float32 image and nine float32 heatmaps per symmetry, computed from their shapes."""

PIPELINE = load_config('_base_/datasets/centerpose.py').train_dataloader.dataset.pipeline


def make_dataset(root: str, symmetries: int) -> CenterPoseDataset:
    """Return the training set of a folder."""
    symmetry = {'type': 'RotationalSymmetry', 'order': symmetries}
    return CenterPoseDataset(root, PIPELINE, {'symmetry': symmetry})


def copy_annotated(source: Path, target: Path, copies: int) -> None:
    """Copy every image with two objects and no ``symmetric`` field, several times."""
    for path in sorted(source.glob('*.json')):
        objects = json.loads(path.read_text())['objects']
        if len(objects) != 2 or any('symmetric' in item for item in objects):
            continue
        for copy in range(copies):
            stem = target / f'{path.stem}_{copy:03d}'
            shutil.copy(path, stem.with_suffix('.json'))
            shutil.copy(path.with_suffix('.png'), stem.with_suffix('.png'))


def time_sample(dataset: CenterPoseDataset, run: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the milliseconds of every step of one sample, and the sample."""
    index = run % len(dataset)
    last = time.perf_counter()
    dataset.draw = (run, 0)
    sample = dataset.get_data_info(index)
    steps = {'load_record': 1e3 * (time.perf_counter() - last)}
    for transform in dataset.pipeline.transforms:
        last = time.perf_counter()
        sample = transform(sample)
        steps[type(transform).__name__] = 1e3 * (time.perf_counter() - last)
    return steps, sample


def measure_samples(dataset: CenterPoseDataset, symmetries: int, runs: int) -> list[Figure]:
    """Time one process sample by sample, and count the bytes sent to the training process."""
    for run in range(WARM_UP):
        time_sample(dataset, run)
    busy = time.process_time()
    found, sample = [], {}
    for run in range(runs):
        steps, sample = time_sample(dataset, WARM_UP + run)
        found.append(steps)
    busy = 1e3 * (time.process_time() - busy) / runs
    medians = {name: statistics.median(each[name] for each in found) for name in found[0]}
    total = statistics.median(sum(each.values()) for each in found)
    size = sample['inputs'].nbytes + len(pickle.dumps(sample['data_samples']))
    name = f'sample of {symmetries} ' + ('symmetry' if symmetries == 1 else 'symmetries')
    parts = ', '.join(f'{step} {ms:.2f} ms' for step, ms in medians.items())
    without = f'processor time {busy:.2f} ms; the reference draws heatmaps too'
    reference_mb, source = REFERENCE_BYTES[symmetries] / 1e6, 'float32 image and heatmaps'
    return [
        Figure(name, total, 'ms', REFERENCE_MS[symmetries], TAO_MACHINE, without),
        Figure(f'{name}, steps', sum(medians.values()), 'ms', note=parts),
        Figure(f'{name}, memory', size / 1e6, 'MB', reference_mb, source, 'sent by a worker'),
    ]


def measure_workers(dataset: CenterPoseDataset, workers: int, epochs: int) -> Figure:
    """Measure the rate of a data loader, its start not counted."""
    loader = DataLoader(
        dataset,
        batch_size=4,
        num_workers=workers,
        collate_fn=pseudo_collate,
        persistent_workers=workers > 0,
    )
    for _ in loader:
        pass
    start = time.perf_counter()
    count = sum(len(batch['inputs']) for _ in range(epochs) for batch in loader)
    rate = count / (time.perf_counter() - start)
    return Figure(f'samples of {workers} worker processes', rate, 'images/s')


def measure_start(folder: Path, files: int) -> list[Figure]:
    """Time the first and the second start with many small images."""
    content = min(ANNOTATIONS.glob('*.json')).read_bytes()
    image = cv2.imencode('.png', np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    for number in range(files):
        path = folder / f'{number // 1000:03d}' / f'{number:06d}.png'
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(image)
        path.with_suffix('.json').write_bytes(content)
    figures = []
    for name in ('first', 'second'):
        start = time.perf_counter()
        dataset = CenterPoseDataset(str(folder), [])
        elapsed = time.perf_counter() - start
        if len(dataset) != files:
            raise RuntimeError(f'{len(dataset)} of {files} images were found.')
        figures.append(Figure(f'{name} start with {files:,} images', elapsed, 's'))
    return figures


def measure(quick: bool, workers: int, files: int, source: Path) -> list[Figure]:
    """Measure everything in temporary folders."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    figures = []
    with tempfile.TemporaryDirectory() as name:
        copy_annotated(source, Path(name), 4 if quick else 16)
        for symmetries in REFERENCE_MS:
            dataset = make_dataset(name, symmetries)
            figures += measure_samples(dataset, symmetries, 20 if quick else 200)
        figures.append(measure_workers(dataset, workers, 1 if quick else 4))
    with tempfile.TemporaryDirectory() as name:
        return figures + measure_start(Path(name), files)


def main() -> None:
    """Read the arguments, measure, print and save."""
    parser = benchmark_parser(__doc__)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--files', type=int, help='files of the start (100000, quick 2000)')
    parser.add_argument('--annotations', type=Path, default=ANNOTATIONS)
    args = parser.parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    files = args.files or (2000 if args.quick else 100_000)
    with DefaultScope.overwrite_default_scope('cpose'):
        figures = measure(args.quick, args.workers, files, args.annotations)
    publish(TITLE, figures, args.out)


if __name__ == '__main__':
    main()
