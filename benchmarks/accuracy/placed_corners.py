"""Time and accuracy of boxes from placed corners, with and without a known focal length.

Run ``python -m benchmarks.accuracy.placed_corners``; it prints a table in Markdown. Random boxes of
proportions 0.5 to 2 in pictures of 800×600, all visible corners off by half a pixel. A warm solve
starts from the box before the corners moved by another half pixel, as while a mouse moves; its time
is processor time, which other processes do not lengthen.
"""

import sys
import time

import cv2
import numpy as np

from cpose.annotation.cuboid_problem import UNIT_CORNERS, CuboidProblem
from cpose.annotation.cuboid_solver import solve_cuboid
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix
from cpose.structures.cuboid import CORNER_SIGNS

IMAGE_WH = (800, 600)
NUM_BOXES = 100
NOISE = 0.5
PERCENTILES = (50, 95, 100)


def main() -> int:
    """Print the table."""
    head = ('camera', 'rotation, °', 'proportions, %', 'whole search, ms', 'warm start, ms')
    rows = [head, ('---',) * len(head)]
    for name, is_known in (('known', True), ('unknown', False)):
        found = [measure(np.random.default_rng(seed), is_known) for seed in range(NUM_BOXES)]
        cells = (' / '.join(f'{value:.2f}' for value in column) for column in _percentiles(found))
        rows.append((name, *cells))
    sys.stdout.write('Median / 95 % / largest of 100 boxes.\n\n')
    sys.stdout.writelines(f'| {" | ".join(row)} |\n' for row in rows)
    return 0


def measure(rng: np.random.Generator, is_known: bool) -> tuple[float, ...]:
    """Return degrees, per cent, and milliseconds of a whole search and of a warm start."""
    camera, dims, rotation, clicks = random_box(rng)
    intrinsics = camera if is_known else None
    start = time.process_time()
    found = solve_cuboid(CuboidProblem(clicks, IMAGE_WH, intrinsics))
    whole = time.process_time() - start
    assert found is not None
    moved = CuboidProblem(clicks + rng.normal(0, NOISE, (8, 2)), IMAGE_WH, intrinsics)
    start = time.process_time()
    solve_cuboid(moved, found.state, is_whole=False)
    warm = time.process_time() - start
    cosine = (np.trace(rotation.T @ found.rotation) - 1) / 2
    ratio = np.abs(found.dims / found.dims[1] / dims - 1).max()
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return float(angle), 100 * float(ratio), 1e3 * whole, 1e3 * warm


def random_box(
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return intrinsics, extents, rotation, and corners (8, 2) with NaN for the hidden ones."""
    focal = rng.uniform(500, 900)
    camera = intrinsic_matrix(focal, focal, IMAGE_WH[0] / 2, IMAGE_WH[1] / 2)
    dims = np.array([rng.uniform(0.5, 2), 1.0, rng.uniform(0.5, 2)])
    turns = [(0, 0, rng.normal(0, 3)), (rng.uniform(18, 45), 0, 0), (0, rng.uniform(-65, -25), 0)]
    roll, pitch, yaw = (cv2.Rodrigues(np.radians(turn))[0] for turn in turns)
    rotation = roll @ pitch @ np.diag([1.0, -1.0, -1.0]) @ yaw
    location = np.array([0.1, -0.05, 1.0]) * rng.uniform(1.6, 2.4) * np.linalg.norm(dims)
    corners = project_points((UNIT_CORNERS * dims) @ rotation.T + location, camera)
    outward = CORNER_SIGNS[:, :, None] * rotation.T  # (8, 3, 3): normals of the faces of a corner
    middles = location + outward * dims[:, None] / 2
    is_seen = ((outward * middles).sum(axis=-1) < 0).any(axis=1)
    clicks = corners + rng.normal(0, NOISE, (8, 2))
    return camera, dims, rotation, np.where(is_seen[:, None], clicks, np.nan)


def _percentiles(found: list[tuple[float, ...]]) -> np.ndarray:
    return np.percentile(found, PERCENTILES, axis=0).T


if __name__ == '__main__':
    raise SystemExit(main())
