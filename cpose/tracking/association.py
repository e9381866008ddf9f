"""How unlike objects of a frame and tracks are.

Letters: M objects of the frame, N tracks.
"""

import numpy as np


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
