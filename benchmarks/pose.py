"""Speed from decoded detections to poses: threshold, image pixels, soft suppression, PnP.

Run ``python benchmarks/pose.py --quick`` or ``--out pose.json``. One image of 600×800 pixels with
100 detections, of which a few score above the threshold; corners carry 1 pixel of noise.
"""

from functools import partial

import numpy as np
from measure import TAO_MACHINE, Figure, benchmark_parser, publish, time_call
from scipy.spatial.transform import Rotation

from cpose.geometry.affine import apply_affine, letterbox_affine
from cpose.geometry.pnp import PoseSolver, solve_cuboid_pnp, solve_in_front, solve_iteratively
from cpose.geometry.projection import project_points
from cpose.registry import CODECS
from cpose.shipped_configs import shipped_head
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS
from cpose.structures.pose_data_sample import PoseDataSample

TITLE = 'From detections to poses'

REFERENCE_MS = {1: 23.006, 5: 27.112, 10: 32.267}
"""Median of TAO PyTorch 6.25.10 by number of objects, 2-core Xeon at 2.5 GHz, OpenCV 4.11
(``reference_speed_post.json``, ``transform_merge_pnp_*_objects``)."""

IMAGE_WH, INPUT_WH, STRIDE = (600, 800), (512, 512), 4
CAMERA = intrinsic_matrix(615, 615, 300.7, 392.8)
INPUT_FROM_IMAGE = letterbox_affine(IMAGE_WH, INPUT_WH)
NUM_DETECTIONS = 100
RULES = {
    'default rules': {},
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
        cells[place] = apply_affine(INPUT_FROM_IMAGE, points) / STRIDE
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


def measure_image(count: int, rules: str, runs: int) -> Figure:
    """Time an image with ``count`` objects above the threshold."""
    sample = PoseDataSample('image', IMAGE_WH, INPUT_WH, INPUT_FROM_IMAGE, CAMERA)
    detections, shipped = make_detections(count), shipped_head()['postprocessor']
    scores = {'eval_score_thr': shipped['infer_score_thr']}
    postprocessor = CODECS.build({**shipped, **scores, **RULES[rules]})
    found = postprocessor(detections, [sample])[0]
    if len(found) != count:
        raise RuntimeError(f'{len(found)} of {count} objects were found.')
    elapsed = time_call(partial(postprocessor, detections, [sample]), runs)
    objects = 'object' if count == 1 else 'objects'
    name = f'poses of an image, {count} {objects}, {rules}'
    note = f'{sum(pose.has_pose for pose in found)} with a pose; {elapsed.note}'
    return Figure(name, elapsed.median, 'ms', REFERENCE_MS[count], TAO_MACHINE, note)


def measure_solver(solver: PoseSolver, runs: int) -> Figure:
    """Time one object with a solver."""
    points, dims = make_points(np.random.default_rng(0), 4)
    elapsed = time_call(partial(solve_cuboid_pnp, points, dims, CAMERA, solver), runs)
    return Figure(f'pose of one object, {solver.__name__}', elapsed.median, 'ms', note=elapsed.note)


def measure(runs: int) -> list[Figure]:
    """Measure whole images with the default parts and with the reference's, and the solvers."""
    figures = [measure_image(count, rules, runs) for count in REFERENCE_MS for rules in RULES]
    solvers = (solve_in_front, solve_iteratively)
    return figures + [measure_solver(solver, 5 * runs) for solver in solvers]


def main() -> None:
    """Measure, print and write."""
    args = benchmark_parser(__doc__).parse_args()
    publish(TITLE, measure(20 if args.quick else 200), args.out)


if __name__ == '__main__':
    main()
