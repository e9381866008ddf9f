"""Speed of drawing synthetic pictures of boxes, in one process and with one thread.

Run ``python benchmarks/synthetic.py --quick`` or ``--out synthetic.json``. The processor time is
what counts when other programs run; the wall time is what a training waits for.
"""

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from cpose.datasets.synthetic.render import render_scene
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.settings import RealismSettings
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset

CASES = (((512, 512), (1, 1)), ((512, 512), (1, 4)), ((640, 480), (1, 1)), ((160, 160), (1, 1)))
"""Width and height, least and greatest number of boxes."""

WARM_UP = 60
"""Pictures after which the banks of textures are filled."""


def time_case(image_wh: tuple[int, int], objects: tuple[int, int], count: int) -> dict[str, Any]:
    """Time pictures of one kind; the first ones, which fill the texture banks, apart."""
    dataset = SyntheticCuboidDataset(WARM_UP + count, image_wh=image_wh, objects=objects)
    start = time.perf_counter()
    for index in range(WARM_UP):
        dataset.load_record(index)
    warm_up = time.perf_counter() - start
    wall, processor = [], []
    for index in range(WARM_UP, WARM_UP + count):
        start, busy = time.perf_counter(), time.process_time()
        dataset.load_record(index)
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    return {
        'image_wh': image_wh,
        'objects': objects,
        'images': count,
        'warm_up_s': warm_up,
        'ms_per_image': 1e3 * float(np.mean(wall)),
        'cpu_ms_per_image': 1e3 * float(np.mean(processor)),
        'images_per_second': 1 / float(np.mean(wall)),
        'images_per_cpu_second': 1 / float(np.mean(processor)),
        'ms_by_part': time_parts(image_wh, objects, count),
    }


def time_parts(image_wh: tuple[int, int], objects: tuple[int, int], count: int) -> dict[str, float]:
    """Time sampling and drawing apart, processor time in milliseconds."""
    realism = RealismSettings()
    seconds = {'scene': 0.0, 'picture': 0.0}
    for number in range(count):
        rng = np.random.default_rng(number)
        start = time.process_time()
        scene = sample_scene(rng, image_wh, objects, realism)
        middle = time.process_time()
        render_scene(rng, scene, realism)
        seconds['scene'] += middle - start
        seconds['picture'] += time.process_time() - middle
    return {part: 1e3 * value / count for part, value in seconds.items()}


def measure(quick: bool) -> dict[str, Any]:
    """Measure all cases."""
    cv2.setNumThreads(1)
    count = 60 if quick else 600
    return {
        'machine': {
            'processor': platform.processor() or platform.machine(),
            'opencv': cv2.__version__,
            'numpy': np.__version__,
            'python': platform.python_version(),
        },
        'cases': [time_case(image_wh, objects, count) for image_wh, objects in CASES],
    }


def show(results: dict[str, Any]) -> None:
    """Print the results as a table."""
    table = Table('size', 'boxes', 'ms (CPU)', 'images/s (per CPU second)', 'scene, picture')
    for case in results['cases']:
        parts = case['ms_by_part']
        table.add_row(
            '{}×{}'.format(*case['image_wh']),
            '{} to {}'.format(*case['objects']),
            f'{case["ms_per_image"]:.1f} ({case["cpu_ms_per_image"]:.1f})',
            f'{case["images_per_second"]:.0f} ({case["images_per_cpu_second"]:.0f})',
            f'{parts["scene"]:.1f}, {parts["picture"]:.1f} ms',
        )
    Console(width=120).print(table)


def main() -> None:
    """Read the arguments, measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true', help='fewer pictures')
    parser.add_argument('--out', type=Path, help='JSON file for the results')
    args = parser.parse_args()
    results = measure(args.quick)
    show(results)
    if args.out:
        args.out.write_text(json.dumps(results, indent=2) + '\n')


if __name__ == '__main__':
    main()
