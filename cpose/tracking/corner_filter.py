"""Kalman filter over the corners of one object in the image, and the mean of its extents.

Each coordinate of each corner has a position and a velocity, and is filtered on its own. Time is
counted in frames.
"""

import numpy as np

from cpose.structures.cuboid import NUM_CORNERS

PROCESS = np.eye(2)
"""Covariance that a frame adds to position and velocity, pixels²."""
STEP = np.array([[1.0, 1.0], [0.0, 1.0]])
"""Of a state in a frame: the velocity is added to the position."""


class CornerFilter:
    """Corners with constant velocity in the image, both of which are measured.

    Args:
        corners: (8, 2), image pixels.
        velocities: (8, 2), pixels per frame.
        std: (8, 2), standard deviations of the corners, pixels.
        velocity_var: Variance of the velocities, pixels².
    """

    def __init__(
        self, corners: np.ndarray, velocities: np.ndarray, std: np.ndarray, velocity_var: float
    ) -> None:
        self._velocity_var = velocity_var
        self._state = _stack(corners, velocities)
        self._covariance = self._noise(std)

    @property
    def corners(self) -> np.ndarray:
        """Return the corners (8, 2), image pixels."""
        return self._state[:, 0].reshape(NUM_CORNERS, 2)

    @property
    def std(self) -> np.ndarray:
        """Return the standard deviations (8, 2) of the corners, pixels."""
        return np.sqrt(self._covariance[:, 0, 0]).reshape(NUM_CORNERS, 2)

    def update(self, corners: np.ndarray, velocities: np.ndarray, std: np.ndarray) -> None:
        """Move on by a frame, and correct by what was found in it; arguments as above."""
        state = self._state @ STEP.T
        covariance = STEP @ self._covariance @ STEP.T + PROCESS
        noise = self._noise(std)
        gain = covariance @ np.linalg.inv(covariance + noise)
        gap = _stack(corners, velocities) - state
        self._state = state + np.einsum('nij,nj->ni', gain, gap)
        rest = np.eye(2) - gain
        turned = np.swapaxes(rest, 1, 2), np.swapaxes(gain, 1, 2)
        self._covariance = rest @ covariance @ turned[0] + gain @ noise @ turned[1]

    def _noise(self, std: np.ndarray) -> np.ndarray:
        noise = np.zeros((2 * NUM_CORNERS, 2, 2))
        noise[:, 0, 0] = np.square(std).ravel()
        noise[:, 1, 1] = self._velocity_var
        return noise


def _stack(corners: np.ndarray, velocities: np.ndarray) -> np.ndarray:
    """Return positions and velocities (16, 2) of the coordinates."""
    return np.stack([corners.ravel(), velocities.ravel()], axis=1).astype(np.float64)


class DimsPool:
    """Mean of the extents of an object over all frames, weighted by their inverse variance."""

    def __init__(self) -> None:
        self._weights = np.zeros(3)
        self._sums = np.zeros(3)

    def add(self, dims: np.ndarray, std: np.ndarray) -> None:
        """Add extents (3,) with their standard deviations (3,)."""
        weights = 1 / np.square(std)
        self._weights += weights
        self._sums += weights * dims

    @property
    def mean(self) -> np.ndarray:
        """Return the mean (3,)."""
        return self._sums / self._weights

    @property
    def std(self) -> np.ndarray:
        """Return its standard deviations (3,)."""
        return 1 / np.sqrt(self._weights)
