"""Follow a box of known extents from the frames in which it was placed to those between.

Details on its faces are followed forwards from each placed frame and backwards from the next one.
Each has its place on the box, so that all of them together tell the pose of each frame; the two
directions count by how near their placed frame is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from cpose.annotation.video.box_details import (
    FOLLOWED_SIDE,
    BoxSurface,
    Details,
    follow_points,
    matrix_of,
    refine_pose,
)
from cpose.annotation.video.motion import Frame
from cpose.structures.cuboid import CORNER_SIGNS

LEAST_DETAILS = 10
"""Of a pose; with fewer the box is lost."""
OUTLIER = 3.0
"""Pixels from which a detail is dropped."""
MOST_RESIDUAL = 1.5
"""Median distance of the details in pixels from which a frame is doubtful."""
MOST_DISAGREEMENT = 5.0
"""Median distance in pixels between the corners by the two directions, likewise."""
MOST_FRAMES = 90
"""Followed in one direction alone; farther ones are doubtful."""
LOST, DISAGREE = 'box was lost', 'box was followed differently from two sides'
UNSURE, FAR = 'details of the box do not agree', 'far from a frame in which the box was placed'
GUESSED = 'box was found again by the model alone'

NONE_3D, NONE_2D = np.empty((0, 3)), np.empty((0, 2))


@dataclass(frozen=True)
class FollowedPose:
    """Where a box is in a frame.

    Attributes:
        cv_from_object: (4, 4), unit of the extents; None if it was lost.
        reason: Why that is doubtful, empty if it is not.
    """

    cv_from_object: np.ndarray | None
    reason: str = ''


ReadFrame = Callable[[Frame], np.ndarray]
"""From a frame to its picture (H, W, 3), BGR uint8."""
FindAgain = Callable[[Frame, np.ndarray], np.ndarray | None]
"""From a frame and the last pose (4, 4) of a box that was lost to its pose there, or None."""


class BoxFollower:
    """Follow one box.

    Args:
        frames: Of the video, in turn.
        read: Reads one.
        dims: (3,) extents of the box.
        find_again: Finds the box where it was lost; None ends there.
        is_wanted: Asked before each frame; following ends when it says no.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        read: ReadFrame,
        dims: np.ndarray,
        find_again: FindAgain | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._frames = frames
        self._read = read
        self._dims = dims
        self._surface = BoxSurface(dims)
        self._find_again = find_again
        self._is_wanted = is_wanted

    def follow(self, placed: Mapping[int, np.ndarray]) -> dict[int, FollowedPose]:
        """Return the pose of the box by number of the frame.

        Args:
            placed: (4, 4) OpenCV camera from object of the frames in which it was placed.
        """
        places = [place for place, frame in enumerate(self._frames) if frame.number in placed]
        poses = {place: placed[self._frames[place].number] for place in places}
        found = {place: FollowedPose(pose) for place, pose in poses.items()}
        ends = [None, *places, None]
        for before, after in pairwise(ends):
            start = -1 if before is None else before
            end = len(self._frames) if after is None else after
            between = range(start + 1, end)
            forwards = {} if before is None else self._run([before, *between], poses[before])
            backwards = {} if after is None else self._run([after, *between[::-1]], poses[after])
            for place in between:
                weight = (end - place) / (end - start)
                pair = (forwards.get(place), backwards.get(place))
                distance = min(
                    place - before if before is not None else len(self._frames),
                    after - place if after is not None else len(self._frames),
                )
                found[place] = self._join(self._frames[place], pair, weight, distance)
        return {self._frames[place].number: pose for place, pose in found.items()}

    def _run(self, places: Sequence[int], pose: np.ndarray) -> dict[int, Details]:
        """Return the details of the frames at these places, until the box is lost."""
        return dict(self._steps(places, pose))

    def _steps(self, places: Sequence[int], pose: np.ndarray) -> Iterator[tuple[int, Details]]:
        first = self._frames[places[0]]
        image = self._gray(first)
        details = self._begin(first, image, pose)
        for place in places[1:]:
            if not self._is_wanted():
                return
            frame, before = self._frames[place], image
            image = self._gray(frame)
            moved = self._step(frame, before, image, details)
            if moved is None and self._find_again is not None:
                again = self._find_again(frame, matrix_of(details.pose))
                moved = None if again is None else self._begin(frame, image, again, True)
            if moved is not None:
                yield place, moved
                details = self._surface.renew(frame, image, moved)
            elif self._find_again is None:
                return
            else:
                details = replace(details, points_object=NONE_3D, points_image=NONE_2D)

    def _begin(
        self, frame: Frame, image: np.ndarray, pose: np.ndarray, is_guessed: bool = False
    ) -> Details:
        """Return the details of a frame in which the pose (4, 4) of the box is known."""
        vector = np.concatenate([cv2.Rodrigues(pose[:3, :3])[0].ravel(), pose[:3, 3]])
        empty = Details(NONE_3D, NONE_2D, vector, is_guessed)
        return self._surface.renew(frame, image, empty)

    def _gray(self, frame: Frame) -> np.ndarray:
        return cv2.cvtColor(self._read(frame), cv2.COLOR_BGR2GRAY)

    def _step(
        self, frame: Frame, before: np.ndarray, image: np.ndarray, details: Details
    ) -> Details | None:
        """Return the details in the next frame, None if the box is lost."""
        if len(details.points_image) < LEAST_DETAILS:
            return None
        scale = min(1.0, FOLLOWED_SIDE / max(image.shape))
        moved, is_found = follow_points(before, image, details.points_image, scale)
        if is_found.sum() < LEAST_DETAILS:
            return None
        points, places = details.points_object[is_found], moved[is_found]
        weights = np.ones(len(points))
        pose, distances = refine_pose(frame, points, places, weights, details.pose)
        near = distances * scale < OUTLIER
        if near.sum() < LEAST_DETAILS:
            return None
        points, places = points[near], places[near]
        pose, _ = refine_pose(frame, points, places, weights[near], pose)
        return Details(points, places, pose, details.is_guessed)

    def _join(
        self,
        frame: Frame,
        pair: tuple[Details | None, Details | None],
        weight: float,
        distance: int,
    ) -> FollowedPose:
        """Return the pose by both directions, and what is doubtful about it."""
        seen = [
            (details, share)
            for details, share in zip(pair, (weight, 1 - weight), strict=True)
            if details is not None and len(details.points_image) >= LEAST_DETAILS
        ]
        if len({details.is_guessed for details, _ in seen}) == 2:
            seen = [(details, share) for details, share in seen if not details.is_guessed]
        if not seen:
            return FollowedPose(None, LOST)
        points = np.concatenate([details.points_object for details, _ in seen])
        places = np.concatenate([details.points_image for details, _ in seen])
        shares = [np.full(len(details.points_image), share) for details, share in seen]
        nearest = max(seen, key=lambda item: item[1])[0]
        pose, distances = refine_pose(frame, points, places, np.concatenate(shares), nearest.pose)
        unit = max(1.0, 2 * float(frame.intrinsics[:2, 2].max()) / FOLLOWED_SIDE)
        reason = ''
        if nearest.is_guessed:
            reason = GUESSED
        elif len(seen) == 2 and self._disagreement(frame, seen) > MOST_DISAGREEMENT * unit:
            reason = DISAGREE
        elif np.median(distances) > MOST_RESIDUAL * unit:
            reason = UNSURE
        elif len(seen) == 1 and distance > MOST_FRAMES:
            reason = FAR
        return FollowedPose(matrix_of(pose), reason)

    def _disagreement(self, frame: Frame, seen: Sequence[tuple[Details, float]]) -> float:
        """Return the median distance of the corners by two directions, pixels."""
        corners = CORNER_SIGNS / 2 * self._dims
        first, second = (
            cv2.projectPoints(
                corners, item.pose[:3], item.pose[3:], frame.intrinsics, frame.distortion
            )[0].reshape(-1, 2)
            for item, _ in seen
        )
        return float(np.median(np.linalg.norm(first - second, axis=1)))
