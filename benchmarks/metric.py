"""Time and memory of a whole evaluation with 100 rotations per prediction.

Run ``python benchmarks/metric.py --quick`` or ``--out metric.json``.
"""

import argparse
import json
import platform
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial.transform import Rotation

from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.geometry.projection import project_points
from cpose.structures.camera import gl_from_cv, intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidTruth, PoseDataSample

REFERENCE_S_PER_PREDICTION = 0.28
"""TAO PyTorch 6.25.10 with 100 rotations, one process on a 2-core Xeon at 2.5 GHz."""

PREDICTIONS_PER_IMAGE = 2
INTRINSICS = intrinsic_matrix(600.0, 600.0, 300.0, 400.0)
IMAGE_WH = (600, 800)
META = {'category': ('cup',), 'symmetry': ({'type': 'NoSymmetry'},), 'eval_num_symmetry': (100,)}
TABLE_CV = np.array([[0.0, 0.8, 2.0], [0.0, -1.0, 0.0]])


def make_image(generator: np.random.Generator, name: str) -> tuple[PoseResult, PoseDataSample]:
    """Return predictions with errors of a good model, and the truth."""
    count = PREDICTIONS_PER_IMAGE
    dims = generator.uniform(0.08, 0.3, (count, 3))
    yaw = Rotation.from_rotvec(generator.uniform(0, 7, (count, 1)) * [0, 1, 0]).as_matrix()
    turn = yaw @ np.diag([1.0, -1.0, -1.0])
    place = np.stack([[0.6 * n - 0.3, 0.8 - dims[n, 1] / 2, 2.2] for n in range(count)])
    gt = cuboid_keypoints(dims) @ turn + place[:, None]
    guess = dims * generator.normal(1, 0.06, (count, 3))
    shift = generator.normal(scale=0.01, size=(count, 1, 3))
    pred = cuboid_keypoints(guess) @ turn + place[:, None] + shift
    poses = [
        ObjectPose(
            score=generator.random(),
            label=0,
            bbox_image=np.zeros(4),
            corners_image=np.zeros((8, 2)),
            dims=guess[n] / guess[n, 1],
            keypoints_cv=pred[n] / guess[n, 1],
            keypoints_image=project_points(pred[n], INTRINSICS),
        )
        for n in range(count)
    ]
    truth = CuboidTruth(
        labels=np.zeros(count, dtype=np.int64),
        keypoints_gl=gl_from_cv(gt),
        keypoints_image=project_points(gt, INTRINSICS),
        dims_metric=dims,
        visibility=np.ones(count),
        plane_gl=gl_from_cv(TABLE_CV),
    )
    sample = PoseDataSample(name, IMAGE_WH, (512, 512), np.eye(3)[:2], INTRINSICS, truth=truth)
    return PoseResult(name, IMAGE_WH, INTRINSICS, poses), sample


def filled_metric(predictions: int) -> tuple[ObjectronMetric, float]:
    """Return a metric that has processed all images, and the seconds that took."""
    generator = np.random.default_rng(0)
    images = [
        make_image(generator, f'image_{n}') for n in range(predictions // PREDICTIONS_PER_IMAGE)
    ]
    metric = ObjectronMetric()
    metric.dataset_meta = META
    start = time.perf_counter()
    for result, sample in images:
        metric.process({'data_samples': [sample]}, [result])
    return metric, time.perf_counter() - start


def working_memory(predictions: int) -> int:
    """Return the bytes that computing the numbers needs beside the records, at most."""
    metric, _ = filled_metric(predictions)
    tracemalloc.start()
    metric.compute_metrics(metric.results)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measure(quick: bool) -> dict[str, Any]:
    """Measure the time of a large evaluation and the memory of two smaller ones."""
    predictions = 1000 if quick else 10_000
    metric, process_s = filled_metric(predictions)
    start = time.perf_counter()
    numbers = metric.evaluate(len(metric.results))
    evaluate_s = time.perf_counter() - start
    few, many = (200, 400) if quick else (1000, 4000)
    per_prediction = (process_s + evaluate_s) / predictions
    return {
        'machine': {
            'processor': platform.processor() or platform.machine(),
            'numpy': np.__version__,
            'python': platform.python_version(),
        },
        'predictions': predictions,
        'rotations': META['eval_num_symmetry'][0],
        'process_s': process_s,
        'evaluate_s': evaluate_s,
        'ms_per_prediction': 1e3 * per_prediction,
        'times_faster_than_tao_elsewhere': REFERENCE_S_PER_PREDICTION / per_prediction,
        'working_memory_mb': {str(n): working_memory(n) / 1e6 for n in (few, many)},
        'AP50_3DIoU': numbers['AP50_3DIoU'],
    }


def show(results: dict[str, Any]) -> None:
    """Print the figures."""
    table = Table(title='Evaluation with 100 rotations', title_justify='left', show_header=False)
    memory = ', '.join(
        f'{value:.0f} MB for {count}' for count, value in results['working_memory_mb'].items()
    )
    for name, value in (
        ('predictions', f'{results["predictions"]}'),
        ('time', f'{results["process_s"] + results["evaluate_s"]:.1f} s'),
        ('per prediction', f'{results["ms_per_prediction"]:.2f} ms'),
        ('ratio to TAO*', f'{results["times_faster_than_tao_elsewhere"]:.0f}×'),
        ('working memory', memory),
        ('AP50_3DIoU', f'{results["AP50_3DIoU"]:.4f}'),
    ):
        table.add_row(name, value)
    table.caption = '* 0.28 s per prediction on another machine: 2-core Xeon at 2.5 GHz'
    Console().print(table)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description='Benchmark of the evaluation.')
    parser.add_argument('--quick', action='store_true', help='fewer predictions')
    parser.add_argument('--out', metavar='JSON', help='write the figures')
    args = parser.parse_args()
    results = measure(args.quick)
    show(results)
    if args.out:
        Path(args.out).write_text(json.dumps(results, indent=1) + '\n')


if __name__ == '__main__':
    main()
