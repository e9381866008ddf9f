"""Time and memory of a whole evaluation with 100 rotations per prediction.

Run ``python benchmarks/metric.py --quick`` or ``--out metric.json``.
"""

import time
import tracemalloc

import numpy as np
from measure import TAO_MACHINE, Figure, benchmark_parser, publish
from scipy.spatial.transform import Rotation

from cpose.apis.config.evaluation_parts import metric_settings
from cpose.evaluation.objectron_metric import ObjectronMetric
from cpose.geometry.projection import project_points
from cpose.structures.camera import gl_from_cv, intrinsic_matrix
from cpose.structures.cuboid import cuboid_keypoints
from cpose.structures.object_pose import ObjectPose, PoseResult
from cpose.structures.pose_data_sample import CuboidAnnotations, PoseDataSample

TITLE = 'Evaluation with 100 rotations per prediction'

REFERENCE_MS = 280.0
"""Per prediction of TAO PyTorch 6.25.10, one process on a 2-core Xeon at 2.5 GHz."""

PREDICTIONS_PER_IMAGE = 2
INTRINSICS = intrinsic_matrix(600.0, 600.0, 300.0, 400.0)
IMAGE_WH = (600, 800)
META = {'category': ('cup',), 'symmetry': ({'type': 'NoSymmetry'},), 'eval_num_symmetry': (100,)}
TABLE_CV = np.array([[0.0, 0.8, 2.0], [0.0, -1.0, 0.0]])


def make_image(generator: np.random.Generator, name: str) -> tuple[PoseResult, PoseDataSample]:
    """Return predictions with errors of a good model, and the annotations."""
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
    annotations = CuboidAnnotations(
        labels=np.zeros(count, dtype=np.int64),
        keypoints_gl=gl_from_cv(gt),
        keypoints_image=project_points(gt, INTRINSICS),
        dims_metric=dims,
        visibility=np.ones(count),
        plane_gl=gl_from_cv(TABLE_CV),
    )
    sample = PoseDataSample(
        name, IMAGE_WH, (512, 512), np.eye(3)[:2], INTRINSICS, annotations=annotations
    )
    return PoseResult(name, IMAGE_WH, INTRINSICS, poses), sample


def filled_metric(predictions: int) -> tuple[ObjectronMetric, float]:
    """Return a metric that has processed all images, and the seconds that took."""
    generator = np.random.default_rng(0)
    images = [
        make_image(generator, f'image_{n}') for n in range(predictions // PREDICTIONS_PER_IMAGE)
    ]
    metric = ObjectronMetric(**metric_settings())
    metric.dataset_meta = META
    start = time.perf_counter()
    for result, sample in images:
        metric.process({'data_samples': [sample]}, [result])
    return metric, time.perf_counter() - start


def working_memory(predictions: int, rotations: int) -> int:
    """Return the bytes that computing the numbers needs beside the records, at most."""
    metric, _ = filled_metric(predictions)
    metric.dataset_meta = {**META, 'eval_num_symmetry': (rotations,)}
    tracemalloc.start()
    metric.compute_metrics(metric.results)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measure(quick: bool) -> list[Figure]:
    """Measure the time of a large evaluation and the memory of smaller ones."""
    predictions = 1000 if quick else 10_000
    metric, process_s = filled_metric(predictions)
    start = time.perf_counter()
    metric.evaluate(len(metric.results))
    total_s = process_s + time.perf_counter() - start
    figures = [
        Figure(
            'evaluate a prediction',
            1e3 * total_s / predictions,
            'ms',
            REFERENCE_MS,
            TAO_MACHINE,
            f'{predictions:,} predictions in {total_s:.1f} s, all numbers of the report',
        )
    ]
    few, many = (200, 400) if quick else (1000, 4000)
    for count, rotations in ((few, 10), (few, 100), (few, 400), (many, 100)):
        name = f'working memory, {count:,} predictions, {rotations} rotations'
        memory = working_memory(count, rotations) / 1e6
        figures.append(Figure(name, memory, 'MB', note='beside the records of the images'))
    return figures


def main() -> None:
    """Measure, print and write."""
    args = benchmark_parser(__doc__).parse_args()
    publish(TITLE, measure(args.quick), args.out)


if __name__ == '__main__':
    main()
