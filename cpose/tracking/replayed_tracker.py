"""Follow objects again whose tracks were recorded."""

import numpy as np

from cpose.structures.object_pose import PoseResult
from cpose.tracking.pose_tracker import PoseTracker, _Life


class ReplayedTracker(PoseTracker):
    """Give what `PoseTracker` gave when it followed the same objects.

    Objects bring their track along, whose number counts: no pairs are looked for. Every frame of
    the video must be given, also those in which nothing was found.
    """

    def reset(self) -> None:
        """Forget all tracks."""
        super().reset()
        self._recorded: dict[int, int] = {}

    def _match(self, result: PoseResult, tracked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = {self._recorded[life.name]: row for row, life in enumerate(self._lives)}
        numbers = _numbers(result)
        known = [index for index, number in enumerate(numbers) if number in rows]
        return np.array(known, np.int64), np.array([rows[numbers[n]] for n in known], np.int64)

    def _begin(
        self, result: PoseResult, objects: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        objects, rows = super()._begin(result, objects, rows)
        numbers = _numbers(result)
        for index, row in zip(objects.tolist(), rows.tolist(), strict=True):
            self._recorded[self._lives[row].name] = numbers[index]
        return objects, rows

    def _next_number(self, life: _Life) -> int:
        return self._recorded[life.name]


def _numbers(result: PoseResult) -> list[int]:
    return [pose.track.number for pose in result.poses if pose.track is not None]
