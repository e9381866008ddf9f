"""How far corners may be from a pose: true poses lost against false ones accepted, per limit.

Run ``python -m benchmarks.accuracy.pose_limit``; it prints a table in Markdown. Cuboids of random
proportions, poses and distances; both estimates of their corners carry noise, or one of the faults
below. The solver and its correction of dimensions are those of the shipped models of boxes.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from cpose.codecs.pnp import InFrontPnP, ReprojectedDims
from cpose.geometry.pnp import UNIT_CORNERS, solve_cuboid_pnp, spread_of_points
from cpose.geometry.projection import project_points
from cpose.structures.camera import intrinsic_matrix

CAMERA = intrinsic_matrix(600, 600, 320, 240)
LIMITS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
DIMS_NOISE = 0.2
"""Standard deviation of the logarithm of predicted dimensions."""
Fault = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""From both estimates of the corners (8, 2, 2) in RMS distances from their mean to spoilt ones."""


def add_noise(sigma: float) -> Fault:
    """Return Gaussian noise."""
    return lambda points, rng: points + rng.normal(0, sigma, points.shape)


def exchange_two(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exchange two corners."""
    order = np.arange(8)
    first, second = rng.choice(8, 2, replace=False)
    order[[first, second]] = second, first
    return points[order]


def move_one(distance: float) -> Fault:
    """Return what moves one corner into any direction."""

    def move(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        angle = rng.uniform(0, 2 * np.pi)
        moved = points.copy()
        moved[rng.integers(8)] += distance * np.array([np.cos(angle), np.sin(angle)])
        return moved

    return move


def shuffle(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put the corners in any order."""
    return points[rng.permutation(8)]


CASES: dict[str, Fault] = {
    'noise of 2 %': add_noise(0.02),
    'noise of 5 %': add_noise(0.05),
    'noise of 10 %': add_noise(0.1),
    'noise of 15 %': add_noise(0.15),
    'two corners exchanged': exchange_two,
    'one corner off by 100 %': move_one(1.0),
    'one corner off by 200 %': move_one(2.0),
    'corners in any order': shuffle,
}


def sample_cuboids(rng: np.random.Generator, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield dimensions (3,) and corners (8, 2) in pixels of cuboids in front of the camera."""
    while count:
        dims = np.exp(rng.uniform(np.log(0.2), np.log(3), 3))
        size = np.linalg.norm(dims)
        location = np.array([*rng.uniform(-0.4, 0.4, 2), 1]) * size * rng.uniform(1.5, 5)
        corners = Rotation.random(random_state=rng).apply(UNIT_CORNERS * dims) + location
        if corners[:, 2].min() > 0.3 * size:
            count -= 1
            yield dims, project_points(corners, CAMERA)


def relative_error(points: np.ndarray, dims: np.ndarray, corrects: bool) -> float:
    """Return the relative error of the pose of points (16, 2), infinite where there is none."""
    solve = InFrontPnP()
    pose = solve_cuboid_pnp(points, dims, CAMERA, solve, max_relative_error=np.inf).pose
    if pose is not None and corrects:
        refined = ReprojectedDims()(points, dims, pose, CAMERA)
        better = solve_cuboid_pnp(points, refined, CAMERA, solve, max_relative_error=np.inf).pose
        pose = better or pose
    return np.inf if pose is None else pose.relative_error


def measure(fault: Fault, count: int, corrects: bool) -> list[float]:
    """Return the share of poses accepted at each limit."""
    rng = np.random.default_rng(0)
    errors = []
    for dims, corners in sample_cuboids(rng, count):
        centre, spread = corners.mean(axis=0), spread_of_points(corners)
        both = np.repeat(((corners - centre) / spread)[:, None], 2, axis=1)
        both = fault(add_noise(0.02)(both, rng), rng)
        points = both.reshape(16, 2) * spread + centre
        guess = dims * np.exp(rng.normal(0, DIMS_NOISE, 3))
        errors.append(relative_error(points, guess, corrects))
    return [float(np.mean(np.asarray(errors) <= limit)) for limit in LIMITS]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=500, help='cuboids of each row')
    count = parser.parse_args().count
    rows = [['corners', 'dimensions', *map(str, LIMITS)], ['---'] * (2 + len(LIMITS))]
    for name, fault in CASES.items():
        for corrects, title in ((False, 'as predicted'), (True, 'corrected')):
            shares = measure(fault, count, corrects)
            rows.append([name, title, *(f'{share:.0%}' for share in shares)])
    sys.stdout.write(''.join(f'| {" | ".join(row)} |\n' for row in rows))


if __name__ == '__main__':
    main()
