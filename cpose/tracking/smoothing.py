"""Poses of a recorded video smoothed in both directions: by the frames before and after.

Letters: N cuboids.
"""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cpose.geometry.rotation import (
    CONJUGATE,
    multiply_quaternions,
    quaternion_from_vector,
    vector_from_quaternion,
)
from cpose.tracking.pose_filter import TURN, PoseFilter, motion_matrix


class States(NamedTuple):
    """Copies of the state of N cuboids, see `PoseFilter`."""

    quaternion: np.ndarray
    linear: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, state: PoseFilter) -> 'States':
        """Copy the state of a filter."""
        return cls(state.quaternion.copy(), state.linear.copy(), state.covariance.copy())

    def take(self, rows: Sequence[int]) -> 'States':
        """Return some of the cuboids."""
        return States(*(part[rows] for part in self))

    def moved(self, change: np.ndarray) -> 'States':
        """Return the states after errors (N, 15) are added; covariances stay."""
        turn = quaternion_from_vector(change[:, TURN])
        quaternion = multiply_quaternions(turn, self.quaternion)
        return States(quaternion, self.linear + change[:, TURN.stop :], self.covariance)

    def less(self, other: 'States') -> np.ndarray:
        """Return the errors (N, 15) by which these states differ from others."""
        inverse = other.quaternion * CONJUGATE
        turn = vector_from_quaternion(multiply_quaternions(self.quaternion, inverse))
        return np.concatenate([turn, self.linear - other.linear], axis=1)


class Moment(NamedTuple):
    """What a filter knew at a frame.

    Attributes:
        time: Seconds.
        expected_names: Of the cuboids of ``expected``.
        expected: States before anything was measured.
        names: Of the cuboids of ``known``.
        known: States after it.
    """

    time: float
    expected_names: Sequence[Hashable]
    expected: States
    names: Sequence[Hashable]
    known: States


@dataclass
class FixedLagSmoother:
    """Correct the states of a filter by the frames that came up to a number of frames later.

    Source: Rauch, Tung and Striebel, "Maximum likelihood estimates of linear dynamic systems", AIAA
    Journal, 1965, over the error state of `PoseFilter`.

    Attributes:
        lag: Frames that are waited for.
        moments: The last frames, the oldest first.
    """

    lag: int
    moments: deque[Moment] = field(default_factory=deque)

    def add(self, moment: Moment) -> None:
        """Add a frame, and forget those that are too old."""
        self.moments.append(moment)
        while len(self.moments) > self.lag + 1:
            self.moments.popleft()

    def smooth(self, age: int) -> tuple[Sequence[Hashable], States]:
        """Return names and smoothed states of a frame.

        Args:
            age: How many frames were added after it, at most ``lag``.
        """
        newest = self.moments[-1]
        names, smoothed = newest.names, newest.known
        for number in range(len(self.moments) - 2, len(self.moments) - 2 - age, -1):
            later, now = self.moments[number + 1], self.moments[number]
            names, smoothed = now.names, _step_back(now, later, names, smoothed)
        return names, smoothed


def _step_back(now: Moment, later: Moment, names: Sequence[Hashable], smoothed: States) -> States:
    """Return the smoothed states of a frame, given those of the frame after it."""
    rows = {name: row for row, name in enumerate(now.names)}
    places = {name: place for place, name in enumerate(later.expected_names)}
    common = [
        (rows[name], places[name], row)
        for row, name in enumerate(names)
        if name in rows and name in places
    ]
    if not common:
        return now.known
    own, expected, after = (list(column) for column in zip(*common, strict=True))
    known, predicted = now.known.take(own), later.expected.take(expected)
    motion = motion_matrix(later.time - now.time)
    gain = np.linalg.solve(predicted.covariance, motion @ known.covariance)
    difference = smoothed.take(after).less(predicted)
    change = (np.swapaxes(gain, 1, 2) @ difference[..., None])[..., 0]
    corrected = known.moved(change)
    result = States(*(part.copy() for part in now.known))
    for part, new in zip(result, corrected, strict=True):
        part[own] = new
    return result
