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

from cpose.geometry.cuboid_pose import Measurement
from cpose.geometry.rotation import (
    multiply_quaternions,
    quaternion_from_vector,
    vector_from_quaternion,
)

TURN, SHIFT, SIZE = slice(0, 3), slice(3, 6), slice(6, 9)
VELOCITY, SPIN = slice(9, 12), slice(12, 15)
NUM_MEASURED, NUM_STATES = 9, 15
MAX_SURPRISE = 5.0
"""Squared Mahalanobis distance of 9 numbers from which a measurement counts less. Errors of
networks have heavy tails, above all of half-hidden objects; chosen on drawn videos."""


def motion_matrix(seconds: float) -> np.ndarray:
    """Return how errors of a state grow in a time, (15, 15)."""
    motion = np.eye(NUM_STATES)
    motion[SHIFT, VELOCITY] = motion[TURN, SPIN] = np.eye(3) * seconds
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
        location: (N, 3).
        log_dims: (N, 3).
        velocity: (N, 3) of the centre, lengths/s.
        spin: (N, 3) rotation vector per second, camera frame.
        covariance: (N, 15, 15) of rotation, location, logarithm of extents, velocity and spin.
    """

    acceleration: float
    angular_acceleration: float
    dims_drift: float
    quaternion: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    location: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    log_dims: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    velocity: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    spin: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    covariance: np.ndarray = field(default_factory=lambda: np.zeros((0, NUM_STATES, NUM_STATES)))

    def add(self, measured: Measurement) -> None:
        """Add cuboids that were seen for the first time; how they move is unknown."""
        count = len(measured.location)
        covariance = np.zeros((count, NUM_STATES, NUM_STATES))
        covariance[:, :NUM_MEASURED, :NUM_MEASURED] = measured.covariance
        axes = np.arange(3)
        covariance[:, VELOCITY.start + axes, VELOCITY.start + axes] = self.acceleration**2
        covariance[:, SPIN.start + axes, SPIN.start + axes] = self.angular_acceleration**2
        still = np.zeros((count, 3))
        self.quaternion = np.concatenate([self.quaternion, measured.quaternion])
        self.location = np.concatenate([self.location, measured.location])
        self.log_dims = np.concatenate([self.log_dims, np.log(measured.dims)])
        self.velocity = np.concatenate([self.velocity, still])
        self.spin = np.concatenate([self.spin, still])
        self.covariance = np.concatenate([self.covariance, covariance])

    def keep(self, mask: np.ndarray) -> None:
        """Forget all cuboids but those of a mask (N,) bool."""
        for name in ('quaternion', 'location', 'log_dims', 'velocity', 'spin', 'covariance'):
            setattr(self, name, getattr(self, name)[mask])

    def predict(self, seconds: float) -> None:
        """Move all cuboids on by a time."""
        self.location = self.location + self.velocity * seconds
        turn = quaternion_from_vector(self.spin * seconds)
        self.quaternion = multiply_quaternions(turn, self.quaternion)
        motion = motion_matrix(seconds)
        self.covariance = motion @ self.covariance @ motion.T + self._noise(seconds)

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
        change = (np.swapaxes(gain, 1, 2) @ error[..., None])[..., 0]
        covariance = covariance - np.swapaxes(gain, 1, 2) @ covariance[:, :NUM_MEASURED, :]
        self.covariance[rows] = (covariance + np.swapaxes(covariance, 1, 2)) / 2
        turn = quaternion_from_vector(change[:, TURN])
        self.quaternion[rows] = multiply_quaternions(turn, self.quaternion[rows])
        self.location[rows] += change[:, SHIFT]
        self.log_dims[rows] += change[:, SIZE]
        self.velocity[rows] += change[:, VELOCITY]
        self.spin[rows] += change[:, SPIN]

    def _gain(self, error: np.ndarray, covariance: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Return (M, 9, 15), the transposed gain; noise of what surprises too much is larger."""
        known = covariance[:, :NUM_MEASURED, :NUM_MEASURED]
        # Both factors are symmetric; errors and covariances are solved for at once.
        sides = np.concatenate([error[..., None], covariance[:, :NUM_MEASURED, :]], axis=2)
        solved = np.linalg.solve(known + noise, sides)
        surprise = (error * solved[..., 0]).sum(axis=1) / MAX_SURPRISE
        gain = solved[..., 1:]
        rows = np.flatnonzero(surprise > 1)
        if len(rows):
            larger = noise[rows] * surprise[rows, None, None]
            gain[rows] = np.linalg.solve(known[rows] + larger, sides[rows][..., 1:])
        return np.asarray(gain)

    def _innovation(self, rows: np.ndarray, measured: Measurement) -> np.ndarray:
        """Return (M, 9), what was measured less what was expected."""
        inverse = self.quaternion[rows] * [-1, -1, -1, 1]
        turn = vector_from_quaternion(multiply_quaternions(measured.quaternion, inverse))
        shift = measured.location - self.location[rows]
        return np.concatenate([turn, shift, np.log(measured.dims) - self.log_dims[rows]], axis=1)

    def _noise(self, seconds: float) -> np.ndarray:
        """Return what a time adds to the covariance, (15, 15)."""
        of_places, of_both, of_rates = self._unit_noise
        noise = of_places * seconds**3 / 3 + of_both * seconds**2 / 2 + of_rates * seconds
        return np.asarray(noise)

    @cached_property
    def _unit_noise(self) -> np.ndarray:
        """Return the parts (3, 15, 15) that grow with the cube of time, its square, and time."""
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
        return parts
