"""Speed of the exact 3D IoU against half-space intersection with SciPy in the same run.

Run ``python benchmarks/iou3d.py --quick`` or ``--out iou3d.json``.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from rich.console import Console
from rich.table import Table
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection
from scipy.spatial.transform import Rotation

from cpose.geometry.iou3d import box_iou3d, box_iou3d_symmetric
from cpose.geometry.symmetry import rotate_about_up
from cpose.structures.cuboid import cuboid_keypoints

REFERENCE_MS = {1: 2.6, 100: 280.0}
"""Per pair of TAO PyTorch 6.25.10 by number of rotations, the evaluation's other numbers
included in the second: one process on a 2-core Xeon at 2.5 GHz."""

ANGLES = np.linspace(0, 2 * np.pi, 100)


def make_pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return truths on a table and predictions with errors of a good model, (N, 9, 3)."""
    generator = np.random.default_rng(0)
    dims = generator.uniform(0.05, 0.4, (count, 3))
    camera = Rotation.from_rotvec([0.6, 0.0, 0.0]).as_matrix()
    yaw = Rotation.from_rotvec(generator.uniform(0, 7, (count, 1)) * [0, 1, 0]).as_matrix()
    tilt = Rotation.from_rotvec(generator.normal(scale=0.06, size=(count, 3))).as_matrix()
    place = generator.uniform(-0.5, 0.5, (count, 1, 3)) + np.array([0, 0, -1.5])
    gt = cuboid_keypoints(dims) @ yaw @ camera + place
    noise = generator.normal(scale=0.08, size=(count, 1, 3)) * dims[:, None]
    pred = cuboid_keypoints(dims * generator.normal(1, 0.08, (count, 3))) @ yaw @ tilt @ camera
    return pred + place + noise, gt


def iou_by_halfspaces(a: np.ndarray, b: np.ndarray) -> float:
    """Return the IoU of one pair: interior point by linear program, then SciPy's polyhedra."""
    hulls = ConvexHull(a[1:]), ConvexHull(b[1:])
    planes = np.concatenate([hull.equations for hull in hulls])
    norms = np.linalg.norm(planes[:, :3], axis=1, keepdims=True)
    answer = linprog(
        [0, 0, 0, -1],
        A_ub=np.hstack([planes[:, :3], norms]),
        b_ub=-planes[:, 3],
        bounds=[(None, None)] * 3 + [(0, None)],
    )
    if not answer.success or answer.x[3] < 1e-12:
        return 0.0
    corners = HalfspaceIntersection(planes, answer.x[:3]).intersections
    shared = ConvexHull(corners).volume
    return float(shared / (hulls[0].volume + hulls[1].volume - shared))


def best_by_halfspaces(pred: np.ndarray, gt: np.ndarray) -> float:
    """Return the best IoU of one pair over all rotations of the prediction."""
    return max(iou_by_halfspaces(turned, gt) for turned in rotate_about_up(pred, ANGLES))


def time_one_by_one(
    function: Callable[[np.ndarray, np.ndarray], float], pred: np.ndarray, gt: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return seconds per pair and the values."""
    start = time.perf_counter()
    values = np.array([function(a, b) for a, b in zip(pred, gt, strict=True)])
    return (time.perf_counter() - start) / len(pred), values


def time_batch(function: Callable[[], np.ndarray], repeats: int) -> float:
    """Return the median seconds of a call."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def measure(quick: bool) -> dict[str, Any]:
    """Measure one rotation and 100."""
    pred, gt = make_pairs(1000 if quick else 5000)
    box_iou3d(pred[:100], gt[:100])
    results: dict[str, Any] = {
        'machine': {
            'processor': platform.processor() or platform.machine(),
            'numpy': np.__version__,
            'scipy': scipy.__version__,
            'python': platform.python_version(),
        },
        'rotations': {},
    }
    settings = (
        (1, iou_by_halfspaces, 20 if quick else 100, lambda: box_iou3d(pred, gt)),
        (100, best_by_halfspaces, 1 if quick else 5, lambda: box_iou3d_symmetric(pred, gt, ANGLES)),
    )
    for rotations, baseline, count, ours in settings:
        baseline_s, values = time_one_by_one(baseline, pred[:count], gt[:count])
        ours_s = time_batch(ours, 3) / len(pred)
        results['rotations'][rotations] = {
            'pairs': len(pred),
            'us_per_pair': 1e6 * ours_s,
            'halfspaces_us_per_pair': 1e6 * baseline_s,
            'times_faster_than_halfspaces': baseline_s / ours_s,
            'times_faster_than_tao_elsewhere': REFERENCE_MS[rotations] / 1e3 / ours_s,
            'largest_difference': float(np.abs(ours()[:count] - values).max()),
        }
    return results


def show(results: dict[str, Any]) -> None:
    """Print the figures."""
    table = Table(title='3D IoU of a pair', title_justify='left')
    for name in ('rotations', 'here', 'SciPy', 'ratio', 'ratio to TAO*', 'difference'):
        table.add_column(name, justify='right')
    for rotations, item in results['rotations'].items():
        table.add_row(
            str(rotations),
            f'{item["us_per_pair"]:.1f} µs',
            f'{item["halfspaces_us_per_pair"] / 1e3:.2f} ms',
            f'{item["times_faster_than_halfspaces"]:.0f}×',
            f'{item["times_faster_than_tao_elsewhere"]:.0f}×',
            f'{item["largest_difference"]:.0e}',
        )
    table.caption = '* its time was taken on another machine: 2-core Xeon at 2.5 GHz'
    Console().print(table)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description='Benchmark of the exact 3D IoU.')
    parser.add_argument('--quick', action='store_true', help='fewer pairs')
    parser.add_argument('--out', metavar='JSON', help='write the figures')
    args = parser.parse_args()
    results = measure(args.quick)
    show(results)
    if args.out:
        Path(args.out).write_text(json.dumps(results, indent=1) + '\n')


if __name__ == '__main__':
    main()
