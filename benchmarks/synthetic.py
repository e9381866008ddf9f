"""Speed of drawing synthetic pictures, in one process and with one thread.

Run ``python benchmarks/synthetic.py --quick`` or ``--out synthetic.json``. The processor time is
what counts when other programs run; the wall time is what a training waits for.
"""

import time
from typing import Any

import cv2
import numpy as np
from measure import Figure, benchmark_parser, publish

from cpose.datasets.synthetic.render import render_scene
from cpose.datasets.synthetic.scene import sample_scene
from cpose.datasets.synthetic.shapes.cast import settings_of_shapes
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset

TITLE = 'Synthetic pictures, one process and one thread'

EVERYTHING = {
    'box_span': (0.15, 1.1),
    'pitch_deg': (0.0, 88.0),
    'odd_camera': 0.4,
    'rolled': 0.12,
    'free_pose': 0.4,
    'hands': 0.6,
    'stacks': 0.35,
    'slender': 0.15,
    'flaps': 0.12,
    'negatives': 0.25,
    'people': (0, 1),
    'loose_items': (0, 2),
    'printed_solids': 0.5,
    'window_light': 0.2,
    'webcam': 0.2,
    'grey': 0.08,
}
"""Realism for boxes of every size and orientation."""

CASES = (
    ('carton', (512, 512), (1, 1), {}),
    ('carton', (512, 512), (1, 4), {}),
    ('carton', (640, 480), (1, 1), {}),
    ('carton', (160, 160), (1, 1), {}),
    ('carton', (256, 256), (1, 3), {}),
    ('carton', (256, 256), (1, 3), EVERYTHING),
    *((shape, (192, 192), (1, 2), {}) for shape in ('carton', 'bottle', 'cup', 'book', 'laptop')),
)
"""Shape, width and height, least and greatest number of objects, realism."""

WARM_UP = 60
"""Pictures after which the banks of textures are filled."""


def measure_case(
    shape: str,
    image_wh: tuple[int, int],
    objects: tuple[int, int],
    realism: dict[str, Any],
    count: int,
) -> list[Figure]:
    """Time pictures of one kind, without the first ones, which fill the texture banks.

    Pictures differ in cost, so the figures are means.
    """
    settings = {'realism': realism, **settings_of_shapes([shape])}
    dataset = SyntheticCuboidDataset(
        WARM_UP + count, image_wh=image_wh, objects=objects, **settings
    )
    for index in range(WARM_UP):
        dataset.load_record(index)
    wall, processor = time.perf_counter(), time.process_time()
    for index in range(WARM_UP, WARM_UP + count):
        dataset.load_record(index)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    width, height = image_wh
    kind = 'boxe' if shape == 'carton' else shape
    boxes = '1 box' if objects == (1, 1) else '{} to {} {}s'.format(*objects, kind)
    name = f'{width}×{height}, {boxes}' + (', any orientation' if realism else '')
    parts = ', '.join(
        f'{part} {ms:.1f} ms' for part, ms in time_parts(dataset, image_wh, objects, count).items()
    )
    return [
        Figure(f'picture of {name}', 1e3 * wall / count, 'ms', note=f'mean of {count}'),
        Figure(f'picture of {name}, processor time', 1e3 * processor / count, 'ms', note=parts),
    ]


def time_parts(
    dataset: SyntheticCuboidDataset,
    image_wh: tuple[int, int],
    objects: tuple[int, int],
    count: int,
) -> dict[str, float]:
    """Time sampling and drawing apart, processor time in milliseconds."""
    seconds = {'scene': 0.0, 'picture': 0.0}
    for number in range(count):
        rng = np.random.default_rng(number)
        start = time.process_time()
        scene = sample_scene(rng, image_wh, objects, dataset.realism, dataset.cast)
        middle = time.process_time()
        render_scene(rng, scene, dataset.realism)
        seconds['scene'] += middle - start
        seconds['picture'] += time.process_time() - middle
    return {part: 1e3 * value / count for part, value in seconds.items()}


def measure(quick: bool) -> list[Figure]:
    """Measure all cases."""
    cv2.setNumThreads(1)
    count = 60 if quick else 200
    return [figure for case in CASES for figure in measure_case(*case, count)]


def main() -> None:
    """Read the arguments, measure, print and save."""
    args = benchmark_parser(__doc__).parse_args()
    publish(TITLE, measure(args.quick), args.out)


if __name__ == '__main__':
    main()
