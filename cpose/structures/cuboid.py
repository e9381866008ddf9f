"""The cuboid: corner order, edges and mirror pairs, written once.

Point 0 of the nine keypoints is the centre. Corners follow the Objectron order: x, then y, then
z, each from − to +. The object frame has +y up, +z at the front face and +x by the right hand.
"""

import numpy as np

NUM_CORNERS = 8
NUM_KEYPOINTS = 9

CORNER_SIGNS = np.array(
    [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64
)
"""(8, 3), the side of each corner along x, y, z."""

UNIT_KEYPOINTS = np.concatenate([np.zeros((1, 3)), CORNER_SIGNS / 2])
"""(9, 3), keypoints of the unit cuboid in the object frame."""

EDGES = tuple(
    (a, b)
    for a in range(NUM_CORNERS)
    for b in range(a + 1, NUM_CORNERS)
    if np.count_nonzero(CORNER_SIGNS[a] != CORNER_SIGNS[b]) == 1
)
"""Twelve pairs of corner numbers, 0 to 7, that share an edge."""

FLIP_CORNERS = np.array([4, 5, 6, 7, 0, 1, 2, 3])
"""(8,), corner that takes each place after a horizontal flip: x changes its sign."""


def cuboid_keypoints(dims: np.ndarray) -> np.ndarray:
    """Return the centre and the eight corners of upright cuboids.

    Args:
        dims: (..., 3), extents along x, y, z, any unit.

    Returns:
        (..., 9, 3), object frame, unit of ``dims``.
    """
    return UNIT_KEYPOINTS * np.asarray(dims, dtype=np.float64)[..., None, :]
