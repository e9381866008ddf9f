"""Follow a box of known extents from the frames in which it was placed to those between.

Details on its faces are followed forwards from each placed frame and backwards from the next one.
Each has its place on the box, so that all of them together tell the pose of each frame; the two
directions count by how near their placed frame is. Where the edges of the box alone tell its pose
in the placed frames, as those of plain boxes do, they do so in the others too. A frame in which the
edges are not where the pose puts them is doubtful.
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
    corners_by,
    follow_points,
    matrix_of,
    refine_pose,
    vector_of,
)
from cpose.annotation.video.box_edges import BoxEdges, EdgePicture
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
NO_EDGES = 'edges of the box are not where the picture has them'
FEWEST_CORNERS = 4
"""That are followed for a pose from which edges are looked for."""
CLOSE = (6, 5, 4, 3)
"""Pixels in which the edges of a placed box are looked for, round by round."""
LEAST_SUPPORT, GOOD_SUPPORT = 0.7, 0.95
"""Share of its edges that a box shows, of that in the frames in which it was placed: below the
first it is elsewhere, from the second on no other pose is tried."""
MOST_TURN = np.radians(45)
"""Between the last pose and what a model has found again, for its edges to confirm it."""

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
        self._edges = BoxEdges(dims)
        self._is_told_by_edges, self._least_support, self._good_support = False, 0.0, 0.0
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
        self._look(placed)
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

    def _look(self, placed: Mapping[int, np.ndarray]) -> None:
        """Find what the edges of the box tell in the frames in which it was placed."""
        pictures = [
            (EdgePicture(frame, self._gray(frame)), vector_of(placed[frame.number]))
            for frame in self._frames
            if frame.number in placed
        ]
        told = [self._edges.tell_pose(picture, pose) for picture, pose in pictures]
        fits = [self._edges.refine(picture, pose, reaches=CLOSE) for picture, pose in pictures]
        self._is_told_by_edges = sum(told) > len(told) / 2
        usual = float(np.median([fit.support for fit in fits]))
        self._least_support, self._good_support = LEAST_SUPPORT * usual, GOOD_SUPPORT * usual

    def _run(self, places: Sequence[int], pose: np.ndarray) -> dict[int, Details]:
        """Return the details of the frames at these places, until the box is lost."""
        return dict(self._steps(places, pose))

    def _steps(self, places: Sequence[int], pose: np.ndarray) -> Iterator[tuple[int, Details]]:
        first = self._frames[places[0]]
        image = self._gray(first)
        details = self._begin(first, image, vector_of(pose))
        for place in places[1:]:
            if not self._is_wanted():
                return
            frame, before = self._frames[place], image
            image = self._gray(frame)
            moved = self._move(frame, before, image, details)
            if moved is None and self._find_again is not None:
                moved = self._recover(frame, image, details)
            if moved is not None:
                yield place, moved
                details = self._surface.renew(frame, image, moved)
            elif self._find_again is None:
                return
            else:
                details = replace(details, points_object=NONE_3D, points_image=NONE_2D)

    def _begin(self, frame: Frame, image: np.ndarray, pose: np.ndarray) -> Details:
        """Return the details of a frame in which the pose (6,) of the box is known."""
        return self._surface.renew(frame, image, Details(NONE_3D, NONE_2D, pose))

    def _recover(self, frame: Frame, image: np.ndarray, last: Details) -> Details | None:
        """Return the details of a frame in which the box is found by other means; None if not."""
        assert self._find_again is not None
        before = matrix_of(last.pose)
        again = self._find_again(frame, before)
        if again is None:
            return None
        pose, picture = vector_of(again), EdgePicture(frame, image)
        turn = (np.trace(again[:3, :3].T @ before[:3, :3]) - 1) / 2
        support = self._edges.support(picture, pose)
        is_guessed = True
        if self._is_told_by_edges:
            fit = self._edges.refine(picture, pose)
            if fit.support >= self._least_support:
                pose, support = fit.pose, fit.support
                is_guessed = last.is_guessed or turn < np.cos(MOST_TURN)
        return replace(self._begin(frame, image, pose), is_guessed=is_guessed, support=support)

    def _move(
        self, frame: Frame, before: np.ndarray, image: np.ndarray, details: Details
    ) -> Details | None:
        """Return the details in the next frame by what is printed and by edges, None if lost."""
        moved, picture = self._step(frame, before, image, details), EdgePicture(frame, image)
        if not self._is_told_by_edges:
            if moved is None:
                return None
            return replace(moved, support=self._edges.support(picture, moved.pose))
        points, places = NONE_3D, NONE_2D
        if moved is not None:
            points, places = moved.points_object, moved.points_image
        best = None
        for start in self._starts(frame, before, image, details, moved):
            fit = self._edges.refine(picture, start, (points, places))
            if best is None or fit.support > best.support:
                best = fit
            if fit.support >= self._good_support:
                break
        if best is None or best.support < self._least_support:
            return None
        return Details(points, places, best.pose, details.is_guessed, best.support)

    def _starts(
        self,
        frame: Frame,
        before: np.ndarray,
        image: np.ndarray,
        details: Details,
        moved: Details | None,
    ) -> Iterator[np.ndarray]:
        """Yield poses (6,) near which the edges of the next frame are looked for."""
        if moved is not None:
            yield moved.pose
        yield details.pose
        corners = corners_by(frame, self._dims, details.pose)
        scale = min(1.0, FOLLOWED_SIDE / max(image.shape))
        places, is_found = follow_points(before, image, corners, scale)
        if is_found.sum() >= FEWEST_CORNERS:
            points = (CORNER_SIGNS / 2 * self._dims)[is_found]
            weights = np.ones(len(points))
            yield refine_pose(frame, points, places[is_found], weights, details.pose)[0]

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
            if details is not None
            and (self._is_told_by_edges or len(details.points_image) >= LEAST_DETAILS)
        ]
        if len({details.is_guessed for details, _ in seen}) == 2:
            seen = [(details, share) for details, share in seen if not details.is_guessed]
        if not seen:
            return FollowedPose(None, LOST)
        supported = [item for item in seen if item[0].support >= self._least_support]
        agreed = supported or seen
        nearest = max(agreed, key=lambda item: item[1])[0]
        pose, residual = self._merge(frame, agreed, nearest.pose)
        unit = max(1.0, 2 * float(frame.intrinsics[:2, 2].max()) / FOLLOWED_SIDE)
        reason = ''
        if nearest.is_guessed:
            reason = GUESSED
        elif not supported:
            reason = NO_EDGES
        elif len(agreed) == 2 and self._disagreement(frame, agreed) > MOST_DISAGREEMENT * unit:
            reason = DISAGREE
        elif residual > MOST_RESIDUAL * unit:
            reason = UNSURE
        elif len(agreed) == 1 and distance > MOST_FRAMES and not self._is_told_by_edges:
            reason = FAR
        return FollowedPose(matrix_of(pose), reason)

    def _merge(
        self, frame: Frame, seen: Sequence[tuple[Details, float]], pose: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Return the pose (6,) by all directions, and by how much its details are off, pixels."""
        if self._is_told_by_edges:
            points = [CORNER_SIGNS / 2 * self._dims for _ in seen]
            places = [corners_by(frame, self._dims, details.pose) for details, _ in seen]
        else:
            points = [details.points_object for details, _ in seen]
            places = [details.points_image for details, _ in seen]
        shares = [
            np.full(len(place), share) for place, (_, share) in zip(places, seen, strict=True)
        ]
        merged, distances = refine_pose(
            frame, np.concatenate(points), np.concatenate(places), np.concatenate(shares), pose
        )
        return merged, float(np.median(distances))

    def _disagreement(self, frame: Frame, seen: Sequence[tuple[Details, float]]) -> float:
        """Return the median distance of the corners by two directions, pixels."""
        first, second = (corners_by(frame, self._dims, item.pose) for item, _ in seen)
        return float(np.median(np.linalg.norm(first - second, axis=1)))
