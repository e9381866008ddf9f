"""Speed of the exact 3D IoU against half-space intersection with SciPy in the same run.

Run ``python benchmarks/iou3d.py --quick`` or ``--out iou3d.json``.
"""

import time
from collections.abc import Callable

import numpy as np
from measure import SAME_RUN, TAO_MACHINE, Figure, benchmark_parser, publish, time_call
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection
from scipy.spatial.transform import Rotation

from cpose.geometry.iou3d import box_iou3d, box_iou3d_symmetric
from cpose.geometry.symmetry import rotate_about_up
from cpose.structures.cuboid import cuboid_keypoints

TITLE = '3D IoU of a pair of boxes'

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


def measure_rotations(
    rotations: int,
    ours: Callable[[], np.ndarray],
    baseline: Callable[[np.ndarray, np.ndarray], float],
    pairs: tuple[np.ndarray, np.ndarray],
    count: int,
) -> list[Figure]:
    """Compare all pairs in one call with the reference, and with the first ones one by one."""
    pred, gt = pairs
    baseline_s, values = time_one_by_one(baseline, pred[:count], gt[:count])
    time_here = time_call(ours, 3, 1).per(len(pred))
    difference = np.abs(ours()[:count] - values).max()
    name = '3D IoU' if rotations == 1 else f'best 3D IoU of {rotations} rotations'
    micros = 1e3 * time_here.median
    plain = f'half spaces with SciPy {SAME_RUN}'
    note = f'{len(pred):,} pairs in one call'
    checked = f'largest difference of {count} pairs {difference:.0e}'
    return [
        Figure(name, micros, 'µs', 1e3 * REFERENCE_MS[rotations], TAO_MACHINE, note),
        Figure(name, micros, 'µs', 1e6 * baseline_s, plain, checked),
    ]


def measure(quick: bool) -> list[Figure]:
    """Measure one rotation and 100."""
    pairs = make_pairs(1000 if quick else 5000)
    single = measure_rotations(
        1, lambda: box_iou3d(*pairs), iou_by_halfspaces, pairs, 20 if quick else 100
    )
    return single + measure_rotations(
        100,
        lambda: box_iou3d_symmetric(*pairs, ANGLES),
        best_by_halfspaces,
        pairs,
        1 if quick else 5,
    )


def main() -> None:
    """Measure, print and write."""
    args = benchmark_parser(__doc__).parse_args()
    publish(TITLE, measure(args.quick), args.out)


if __name__ == '__main__':
    main()
