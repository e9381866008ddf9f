"""Kalman filter over the poses and extents of rigid cuboids, many at once.

Error-state filter on SE(3): rotations are unit quaternions, their errors rotation vectors in the
camera frame, applied from the left. Between frames cuboids move with constant velocity, disturbed
by white acceleration; extents stay. Source: Solà, "Quaternion kinematics for the error-state Kalman
filter", arXiv:1711.02508, 2017.

Letters: N cuboids. Lengths are in units of the object's height, or metres for models with absolute
scale; time is in seconds.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cpose.geometry.cuboid_pose import NUM_MEASURED, Measurement
from cpose.geometry.rotation import (
    CONJUGATE,
    multiply_quaternions,
    quaternion_from_vector,
    vector_from_quaternion,
)

TURN, SHIFT, SIZE = slice(0, 3), slice(3, 6), slice(6, 9)
SPIN, VELOCITY = slice(9, 12), slice(12, 15)
PLACES, RATES = slice(0, 6), slice(9, 15)
"""What changes with time, and by what, in the same order."""
NUM_STATES = 15
MAX_SURPRISE = 5.0
"""Squared Mahalanobis distance of 9 numbers from which a measurement counts less. Errors of
networks have heavy tails, above all of half-hidden objects; chosen on drawn videos."""


def motion_matrix(seconds: float) -> np.ndarray:
    """Return how errors of a state grow in a time, (15, 15)."""
    motion = np.eye(NUM_STATES)
    motion[PLACES, RATES] = np.eye(6) * seconds
    return motion


@dataclass
class PoseFilter:
    """State of N cuboids, none at first.

    Args:
        acceleration: Standard deviation of what disturbs a velocity in a second, lengths/s.
        angular_acceleration: The same for spins, radians/s.
        dims_drift: Standard deviation by which the logarithm of an extent may change in a second.

    Attributes:
        quaternion: (N, 4).
        linear: (N, 12) location, logarithm of extents, spin and velocity: what the error of a state
            has after its rotation.
        covariance: (N, 15, 15) of rotation, location, logarithm of extents, spin and velocity.
    """

    acceleration: float
    angular_acceleration: float
    dims_drift: float
    quaternion: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    linear: np.ndarray = field(default_factory=lambda: np.zeros((0, NUM_STATES - 3)))
    covariance: np.ndarray = field(default_factory=lambda: np.zeros((0, NUM_STATES, NUM_STATES)))

    @property
    def location(self) -> np.ndarray:
        """Return the centres (N, 3)."""
        return self.linear[:, :3]

    @property
    def log_dims(self) -> np.ndarray:
        """Return the logarithms of the extents (N, 3)."""
        return self.linear[:, 3:6]

    @property
    def spin(self) -> np.ndarray:
        """Return the rotation vectors per second (N, 3), camera frame."""
        return self.linear[:, 6:9]

    @property
    def velocity(self) -> np.ndarray:
        """Return the velocities of the centres (N, 3), lengths/s."""
        return self.linear[:, 9:]

    def add(self, measured: Measurement) -> None:
        """Add cuboids that were seen for the first time; how they move is unknown."""
        count = len(measured.location)
        covariance = np.zeros((count, NUM_STATES, NUM_STATES))
        covariance[:, :NUM_MEASURED, :NUM_MEASURED] = measured.covariance
        axes = np.arange(3)
        covariance[:, VELOCITY.start + axes, VELOCITY.start + axes] = self.acceleration**2
        covariance[:, SPIN.start + axes, SPIN.start + axes] = self.angular_acceleration**2
        linear = [measured.location, np.log(measured.dims), np.zeros((count, 6))]
        self.quaternion = np.concatenate([self.quaternion, measured.quaternion])
        self.linear = np.concatenate([self.linear, np.concatenate(linear, axis=1)])
        self.covariance = np.concatenate([self.covariance, covariance])

    def keep(self, mask: np.ndarray) -> None:
        """Forget all cuboids but those of a mask (N,) bool."""
        for name in ('quaternion', 'linear', 'covariance'):
            setattr(self, name, getattr(self, name)[mask])

    def predict(self, seconds: float) -> None:
        """Move all cuboids on by a time."""
        self.location[...] += self.velocity * seconds
        turn = quaternion_from_vector(self.spin * seconds)
        self.quaternion = multiply_quaternions(turn, self.quaternion)
        # As `motion_matrix` does on both sides.
        self.covariance[:, PLACES] += seconds * self.covariance[:, RATES]
        self.covariance[:, :, PLACES] += seconds * self.covariance[:, :, RATES]
        self.covariance += self._noise(seconds)

    def update(self, rows: np.ndarray, measured: Measurement) -> None:
        """Correct cuboids by what was measured.

        A measurement that is too surprising counts as less certain, so that it shifts the state
        less than in proportion.

        Args:
            rows: (M,) numbers of the cuboids.
            measured: Of M cuboids, in this order.
        """
        if not len(rows):
            return
        error = self._innovation(rows, measured)
        covariance = self.covariance[rows]
        gain = self._gain(error, covariance, measured.covariance)
        # Errors and covariances are corrected by the same matrix, at once.
        sides = np.concatenate([error[..., None], covariance[:, :NUM_MEASURED]], axis=2)
        change = np.swapaxes(gain, 1, 2) @ sides
        covariance -= change[..., 1:]
        self.covariance[rows] = (covariance + np.swapaxes(covariance, 1, 2)) / 2
        turn = quaternion_from_vector(change[:, TURN, 0])
        self.quaternion[rows] = multiply_quaternions(turn, self.quaternion[rows])
        self.linear[rows] += change[:, 3:, 0]

    def _gain(self, error: np.ndarray, covariance: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Return (M, 9, 15), the transposed gain; noise of what surprises too much is larger."""
        known = covariance[:, :NUM_MEASURED, :NUM_MEASURED]
        solved = np.linalg.solve(known + noise, error[..., None])[..., 0]
        surprise = (error * solved).sum(axis=1) / MAX_SURPRISE
        larger = noise * np.maximum(surprise, 1)[:, None, None]
        # Both factors of the gain are symmetric.
        return np.linalg.solve(known + larger, covariance[:, :NUM_MEASURED])

    def _innovation(self, rows: np.ndarray, measured: Measurement) -> np.ndarray:
        """Return (M, 9), what was measured less what was expected."""
        inverse = self.quaternion[rows] * CONJUGATE
        turn = vector_from_quaternion(multiply_quaternions(measured.quaternion, inverse))
        error = np.concatenate([turn, measured.location, np.log(measured.dims)], axis=1)
        error[:, 3:] -= self.linear[rows, :6]
        return error

    def _noise(self, seconds: float) -> np.ndarray:
        """Return what a time adds to the covariance, (15, 15)."""
        growth = np.array([seconds**3 / 3, seconds**2 / 2, seconds])
        return (growth @ self._unit_noise).reshape(NUM_STATES, NUM_STATES)

    @cached_property
    def _unit_noise(self) -> np.ndarray:
        """Return the parts (3, 225) that grow with the cube of time, its square, and time."""
        parts = np.zeros((3, NUM_STATES, NUM_STATES))
        for place, rate, sigma in (
            (SHIFT, VELOCITY, self.acceleration),
            (TURN, SPIN, self.angular_acceleration),
        ):
            variance = np.eye(3) * sigma**2
            parts[0, place, place] = variance
            parts[1, place, rate] = parts[1, rate, place] = variance
            parts[2, rate, rate] = variance
        parts[2, SIZE, SIZE] = np.eye(3) * self.dims_drift**2
        return parts.reshape(3, -1)
