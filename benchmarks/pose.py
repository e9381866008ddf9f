"""Speed from decoded detections to poses: threshold, image pixels, soft suppression, PnP.

Run ``python benchmarks/pose.py --quick`` or ``--out pose.json``. One image of 600×800 pixels with
100 detections, of which a few score above the threshold; corners carry 1 pixel of noise.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial.transform import Rotation

from cpose.codecs.pose_recovery import PoseRecovery
from cpose.geometry.affine import apply_affine, letterbox_affine
from cpose.geometry.pnp import solve_cuboid_pnp, solve_in_front, solve_iteratively
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.pose_data_sample import PoseDataSample

REFERENCE_MS = {1: 23.006, 5: 27.112, 10: 32.267}
"""Median of TAO PyTorch 6.25.10 by number of objects, 2-core Xeon at 2.5 GHz, OpenCV 4.11
(``reference_speed_post.json``, ``transform_merge_pnp_*_objects``)."""

IMAGE_WH, INPUT_WH, STRIDE = (600, 800), (512, 512), 4
CAMERA = intrinsic_matrix(615, 615, 300.7, 392.8)
NUM_DETECTIONS = 100
RECOVERIES = {
    'cpose': {},
    'reference rules': {
        'point_source': {'type': 'DisplacementPoints'},
        'solver': {'type': 'IterativePnP'},
    },
}


def make_points(rng: np.random.Generator, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy corners (16, 2) of one object, image pixels, and its dimensions."""
    dims = rng.uniform(0.4, 1.6, 3)
    dims[1] = 1.0
    location = np.array([place % 3 - 1.0, 0.9 * (place // 3) - 1.4, 8.0])
    corners = Rotation.random(random_state=rng).apply(CORNER_SIGNS / 2 * dims) + location
    points = np.repeat(project_points(corners, CAMERA), 2, axis=0)
    return points + rng.normal(size=points.shape), dims


def make_detections(count: int) -> dict[str, np.ndarray]:
    """Return decoder outputs of one image with ``count`` objects, heatmap cells."""
    rng = np.random.default_rng(count)
    cells = rng.uniform(0, 128, (NUM_DETECTIONS, 16, 2))
    scores = np.full(NUM_DETECTIONS, 0.01)
    dims = np.ones((NUM_DETECTIONS, 3))
    for place in range(count):
        points, dims[place] = make_points(rng, place)
        cells[place] = apply_affine(letterbox_affine(IMAGE_WH, INPUT_WH), points) / STRIDE
        scores[place] = 0.9 - 0.02 * place
    bboxes = np.concatenate([cells.min(axis=1), cells.max(axis=1)], axis=1)
    detections = {
        'bboxes': bboxes,
        'scores': scores[:, None],
        'clses': np.zeros((NUM_DETECTIONS, 1)),
        'obj_scale': dims,
        'kps_displacement_mean': cells[:, ::2].reshape(-1, 16),
        'kps_heatmap_mean': cells[:, 1::2].reshape(-1, 16),
    }
    return {name: value[None].astype(np.float32) for name, value in detections.items()}


def median_ms(call: Callable[[], Any], runs: int) -> float:
    """Return the median time of a call after a warm-up."""
    for _ in range(3):
        call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def time_images(runs: int) -> list[dict[str, Any]]:
    """Time whole images with the default parts and with the reference's."""
    affine = letterbox_affine(IMAGE_WH, INPUT_WH)
    sample = PoseDataSample('image', IMAGE_WH, INPUT_WH, affine, CAMERA)
    rows = []
    for count, reference in REFERENCE_MS.items():
        detections = make_detections(count)
        for name, settings in RECOVERIES.items():
            recovery = PoseRecovery(**settings)
            found = recovery(detections, [sample])[0]
            assert len(found) == count
            elapsed = median_ms(partial(recovery, detections, [sample]), runs)
            rows.append(
                {
                    'objects': count,
                    'parts': name,
                    'poses': sum(pose.has_pose for pose in found),
                    'ms': elapsed,
                    'reference_ms': reference,
                    'speedup': reference / elapsed,
                }
            )
    return rows


def time_solvers(runs: int) -> dict[str, float]:
    """Time one object with each solver."""
    points, dims = make_points(np.random.default_rng(0), 4)
    return {
        solver.__name__: median_ms(
            partial(solve_cuboid_pnp, points, dims, CAMERA, solver), 5 * runs
        )
        for solver in (solve_in_front, solve_iteratively)
    }


def show(report: dict[str, Any]) -> None:
    """Print the report."""
    table = Table('objects', 'parts', 'poses', 'ms', 'reference ms', 'speed-up')
    for row in report['images']:
        table.add_row(
            *(str(row[name]) for name in ('objects', 'parts', 'poses')),
            *(f'{row[name]:.2f}' for name in ('ms', 'reference_ms', 'speedup')),
        )
    console = Console()
    console.print(table)
    for name, elapsed in report['ms_per_object'].items():
        console.print(f'{name}: {elapsed:.3f} ms per object')


def main() -> None:
    """Measure, print, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true', help='few runs')
    parser.add_argument('--out', type=Path, help='JSON file for the report')
    args = parser.parse_args()
    runs = 20 if args.quick else 200
    report = {
        'machine': {'platform': platform.platform(), 'opencv': cv2.__version__},
        'images': time_images(runs),
        'ms_per_object': time_solvers(runs),
    }
    show(report)
    if args.out:
        args.out.write_text(json.dumps(report, indent=2))


if __name__ == '__main__':
    main()
