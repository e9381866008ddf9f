"""Which cuboids of one frame are which of another.

Letters: M cuboids of the frame, N others.
"""

import numpy as np

NEVER = 1e6
"""Cost of a pair that is out of the question."""
FARTHEST = 1.0
"""Mean distance of corners, in diagonals of the cuboid, up to which two may be the same."""


def assign(cost: np.ndarray, limits: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Pair rows and columns at the least total cost.

    Args:
        cost: (M, N).
        limits: Largest cost of a pair, one number or (N,).

    Returns:
        Numbers of the rows and of their columns, (K,) each.
    """
    from scipy.optimize import linear_sum_assignment  # needs a third of a second to import

    allowed = np.where(cost <= limits, cost, NEVER)
    rows, columns = linear_sum_assignment(allowed)
    is_pair = allowed[rows, columns] < NEVER
    return rows[is_pair], columns[is_pair]


def same_cuboids(
    corners: np.ndarray, others: np.ndarray, labels: np.ndarray, other_labels: np.ndarray
) -> np.ndarray:
    """Return the number (M,) of the other cuboid that each one is, −1 for none.

    Those of one category belong together whose corners are nearest, up to `FARTHEST`.

    Args:
        corners: (M, 8, 2), pixels.
        others: (N, 8, 2), pixels of a frame of the same size.
        labels: (M,) numbers of the categories.
        other_labels: (N,).
    """
    gaps = np.linalg.norm(corners[:, None] - others, axis=-1).mean(axis=-1)
    diagonals = np.linalg.norm(np.ptp(corners, axis=1), axis=1)[:, None]
    gaps = np.where(labels[:, None] == other_labels, gaps / np.maximum(diagonals, 1), np.inf)
    rows, columns = assign(gaps, FARTHEST)
    found = np.full(len(corners), -1)
    found[rows] = columns
    return found
