"""Which objects of a frame are which tracks.

Letters: M objects of the frame, N tracks.
"""

import numpy as np

NEVER = 1e6
"""Cost of a pair that is out of the question."""


def pair_cost(
    found: np.ndarray, expected: np.ndarray, depths: np.ndarray, expected_depths: np.ndarray
) -> np.ndarray:
    """Return how unlike objects and tracks are, (M, N), 0 for equal ones.

    The sum of the distance of the centres in the image, as a share of the mean diagonal of both
    rectangles, of half the difference of the logarithms of the diagonals, and of half that of the
    depths.

    Args:
        found: (M, 8, 2) corners, image pixels.
        expected: (N, 8, 2) of the tracks, moved on to the frame.
        depths: (M,) depths of the centres, NaN without a pose.
        expected_depths: (N,).
    """
    corners = np.concatenate([found, expected])
    low, high = corners.min(axis=1), corners.max(axis=1)
    sides, middles = high - low, (low + high) / 2
    sizes = np.hypot(sides[:, 0], sides[:, 1])
    size, expected_size = sizes[: len(found), None], sizes[len(found) :]
    gap = middles[: len(found), None] - middles[len(found) :]
    cost = np.hypot(gap[..., 0], gap[..., 1]) / (size + expected_size) * 2
    cost += np.abs(np.log(size / expected_size)) / 2
    deeper = np.abs(np.log(depths[:, None] / expected_depths)) / 2
    return np.asarray(cost + np.where(np.isnan(deeper), 0, deeper))


def assign(cost: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair objects and tracks at the least total cost.

    Args:
        cost: (M, N).
        limits: (N,), largest cost of a pair with each track.

    Returns:
        Numbers of the objects and of their tracks, (K,) each.
    """
    from scipy.optimize import linear_sum_assignment

    allowed = np.where(cost <= limits, cost, NEVER)
    rows, columns = linear_sum_assignment(allowed)
    is_pair = allowed[rows, columns] < NEVER
    return rows[is_pair], columns[is_pair]
