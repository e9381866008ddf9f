"""Sizes of boxes: cereal boxes, cartons, cubes, books and whatever lies in between."""

import numpy as np

LEAST, MOST = 0.18, 3.2
"""Range of width and depth as a multiple of the height."""

FAMILIES = (
    (0.22, (0.55, 1.15), (0.18, 0.45)),
    (0.16, (0.75, 1.35), (0.75, 1.35)),
    (0.24, (1.1, 3.0), (0.8, 2.4)),
    (0.14, (0.22, 0.8), (0.22, 0.8)),
    (0.24, (0.2, 3.0), (0.2, 3.0)),
)
"""Weight, range of width and range of depth relative to the height: cereal box, cube, lying
carton, tall carton, anything."""


def sample_dims(rng: np.random.Generator, sides: tuple[float, float] = (LEAST, MOST)) -> np.ndarray:
    """Sample extents (3,) along x, y, z in metres; the longest side is 8 to 50 cm.

    Args:
        rng: The only source of randomness.
        sides: Bounds of width and depth as a multiple of the height.
    """
    weights = [family[0] for family in FAMILIES]
    _, width_range, depth_range = FAMILIES[int(rng.choice(len(FAMILIES), p=weights))]
    width = np.exp(rng.uniform(*np.log(width_range)))
    depth = np.exp(rng.uniform(*np.log(depth_range)))
    if rng.random() < 0.5:
        width, depth = depth, width
    dims = np.array([np.clip(width, *sides), 1.0, np.clip(depth, *sides)])
    longest = np.exp(rng.uniform(np.log(0.08), np.log(0.5)))
    return np.asarray(dims * (longest / dims.max()))
