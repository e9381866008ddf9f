"""Sizes of boxes: cereal boxes, cartons, cubes, books and whatever lies in between."""

import numpy as np

from cpose.datasets.synthetic.chance import WeightedChoice, log_uniform

LEAST, MOST = 0.18, 3.2
"""Range of width and depth as a multiple of the height."""

FAMILIES = WeightedChoice(
    {
        ((0.55, 1.15), (0.18, 0.45)): 0.22,
        ((0.75, 1.35), (0.75, 1.35)): 0.16,
        ((1.1, 3.0), (0.8, 2.4)): 0.24,
        ((0.22, 0.8), (0.22, 0.8)): 0.14,
        ((0.2, 3.0), (0.2, 3.0)): 0.24,
    }
)
"""Range of width and range of depth relative to the height: cereal box, cube, lying carton, tall
carton, anything."""


def sample_dims(rng: np.random.Generator, sides: tuple[float, float] = (LEAST, MOST)) -> np.ndarray:
    """Sample extents (3,) along x, y, z in metres; the longest side is 8 to 50 cm.

    Args:
        rng: The only source of randomness.
        sides: Bounds of width and depth as a multiple of the height.
    """
    width_range, depth_range = FAMILIES.sample(rng)
    width, depth = log_uniform(rng, *width_range), log_uniform(rng, *depth_range)
    if rng.random() < 0.5:
        width, depth = depth, width
    least, most = sides
    dims = min(max(width, least), most), 1.0, min(max(depth, least), most)
    return np.array(dims) * (log_uniform(rng, 0.08, 0.5) / max(dims))
