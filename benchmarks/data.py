"""Speed of reading and augmenting training samples, and of starting with many files.

Run ``python benchmarks/data.py --quick`` or ``--out data.json``. Drawing of targets is not
included: it happens once per batch on the device.
"""

import argparse
import json
import pickle
import platform
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader

from cpose.datasets.centerpose_dataset import CenterPoseDataset

ANNOTATIONS = Path(__file__).parents[1] / 'tests' / 'data' / 'reference' / 'annotations'
REFERENCE_MS = {1: 25.628, 12: 64.745}
"""Median per training sample of TAO PyTorch 6.25.10 by number of symmetries, targets included:
600×800 PNG with two objects, one process, 2-core Xeon at 2.5 GHz, OpenCV 4.11
(``reference_speed_post.json``, ``dataset_getitem_train_num_symmetry*_two_objects``)."""

WARM_UP = 3

REFERENCE_BYTES = {
    symmetries: 4 * (3 * 512 * 512 + symmetries * 9 * 128 * 128) for symmetries in REFERENCE_MS
}
"""A float32 image and nine float32 heatmaps per symmetry, computed from their shapes."""

PIPELINE = [
    {'type': 'LoadPoseImage'},
    {'type': 'ExpandSymmetries'},
    {'type': 'RandomPoseAffine'},
    {'type': 'CenterNetColorJitter'},
    {'type': 'PackPoseInputs'},
]


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


def time_samples(dataset: CenterPoseDataset, runs: int) -> dict[str, Any]:
    """Time one process, sample by sample and transform by transform."""
    steps: dict[str, list[float]] = {}
    totals, sample = [], {}
    cpu_start = 0.0
    for run in range(runs + WARM_UP):
        if run == WARM_UP:
            cpu_start = time.process_time()
        index = run % len(dataset)
        start = last = time.perf_counter()
        sample = dataset.load_record(index)
        sample['input_wh'] = dataset.input_wh
        sample['rng'] = np.random.default_rng([0, run])
        marks = [('load_record', time.perf_counter() - last)]
        for transform in dataset.pipeline.transforms:
            last = time.perf_counter()
            sample = transform(sample)
            marks.append((type(transform).__name__, time.perf_counter() - last))
        if run >= WARM_UP:
            totals.append(time.perf_counter() - start)
            for name, seconds in marks:
                steps.setdefault(name, []).append(seconds)
    median = float(np.median(totals))
    return {
        'ms_per_sample': 1e3 * median,
        'cpu_ms_per_sample': 1e3 * (time.process_time() - cpu_start) / runs,
        'images_per_second': 1 / median,
        'bytes_per_sample': sample['inputs'].nbytes + len(pickle.dumps(sample['data_samples'])),
        'ms_by_transform': {name: 1e3 * float(np.median(s)) for name, s in steps.items()},
    }


def time_workers(dataset: CenterPoseDataset, workers: int, epochs: int) -> float:
    """Return images per second of a data loader, its start not counted."""
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
    return count / (time.perf_counter() - start)


def time_start(folder: Path, files: int) -> dict[str, float]:
    """Time the first and the second start with many small images."""
    content = min(ANNOTATIONS.glob('*.json')).read_bytes()
    image = cv2.imencode('.png', np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    for number in range(files):
        path = folder / f'{number // 1000:03d}' / f'{number:06d}.png'
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(image)
        path.with_suffix('.json').write_bytes(content)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        dataset = CenterPoseDataset(str(folder), [])
        seconds.append(time.perf_counter() - start)
        if len(dataset) != files:
            raise RuntimeError(f'{len(dataset)} of {files} images were found.')
    return {'files': files, 'first_start_s': seconds[0], 'second_start_s': seconds[1]}


def measure(quick: bool, workers: int, files: int, source: Path) -> dict[str, Any]:
    """Measure everything in a temporary folder."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        'machine': {
            'processor': platform.processor() or platform.machine(),
            'opencv': cv2.__version__,
            'numpy': np.__version__,
            'python': platform.python_version(),
        },
        'samples': {},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_annotated(source, folder, 4 if quick else 16)
        for symmetries, reference in REFERENCE_MS.items():
            dataset = make_dataset(name, symmetries)
            found = time_samples(dataset, 20 if quick else 200)
            found['reference_ms'] = reference
            found['reference_bytes'] = REFERENCE_BYTES[symmetries]
            found['times_faster'] = reference / found['ms_per_sample']
            found['workers'] = workers
            found['images_per_second_with_workers'] = time_workers(dataset, workers, 2)
            results['samples'][str(symmetries)] = found
    with tempfile.TemporaryDirectory() as name:
        results['start'] = time_start(Path(name), files)
    return results


def show(results: dict[str, Any]) -> None:
    """Print the results as tables."""
    table = Table(
        'symmetries', 'ms (CPU)', 'reference ms', 'times faster', 'images/s', 'bytes/sample'
    )
    steps = Table('symmetries', *next(iter(results['samples'].values()))['ms_by_transform'])
    for symmetries, found in results['samples'].items():
        table.add_row(
            symmetries,
            f'{found["ms_per_sample"]:.2f} ({found["cpu_ms_per_sample"]:.2f})',
            f'{found["reference_ms"]:.1f}',
            f'{found["times_faster"]:.1f}',
            f'{found["images_per_second"]:.0f} '
            f'({found["images_per_second_with_workers"]:.0f} with {found["workers"]} workers)',
            f'{found["bytes_per_sample"]:,} (reference {found["reference_bytes"]:,})',
        )
        steps.add_row(symmetries, *(f'{ms:.2f} ms' for ms in found['ms_by_transform'].values()))
    start = results['start']
    console = Console(width=140)
    console.print(table, steps)
    console.print(
        f'{start["files"]:,} files: first start {start["first_start_s"]:.1f} s, '
        f'second start {start["second_start_s"]:.1f} s'
    )


def main() -> None:
    """Read the arguments, measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true', help='fewer runs and files')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--files', type=int, help='files of the start (default 100000, quick 2000)')
    parser.add_argument('--annotations', type=Path, default=ANNOTATIONS)
    parser.add_argument('--out', type=Path, help='JSON file for the results')
    args = parser.parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    with DefaultScope.overwrite_default_scope('cpose'):
        files = args.files or (2000 if args.quick else 100_000)
        results = measure(args.quick, args.workers, files, args.annotations)
    show(results)
    if args.out:
        args.out.write_text(json.dumps(results, indent=2) + '\n')


if __name__ == '__main__':
    main()
