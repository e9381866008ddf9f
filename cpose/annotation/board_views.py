"""Views of a calibration board in pictures and videos."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cpose.apis.inference.image_sources import SourceImage
from cpose.metric_scale.boards import Board

MOST_VIEWS = 60
"""Used for the solution, whose time grows with the cube of their number."""
SAME_VIEW = 0.002
"""Movement of a board below which two views count as one, longer sides of the image."""


@dataclass(frozen=True)
class View:
    """A picture of the board.

    Attributes:
        path: File, or which frame of a video.
        image_wh: Width and height, pixels.
        ids: (N,) corners of the board that are seen.
        points: (N, 2) where, pixels.
        residual: Root mean square distance of the corners from the solution, pixels.
    """

    path: str
    image_wh: tuple[int, int]
    ids: np.ndarray
    points: np.ndarray
    residual: float = 0.0


def find_views(images: Iterable[SourceImage], board: Board, every: int = 1) -> list[View]:
    """Look for the board.

    Args:
        images: Pictures or frames.
        board: What to look for.
        every: Look at each of so many frames of a video; at every picture.

    Returns:
        One view per image that was looked at, without corners where the board is not found.
    """
    looked_at = (
        image for image in images if image.frame is None or image.frame.number % every == 0
    )
    return [View(image.path, image.image_wh, *board.find(image.image)) for image in looked_at]


def choose_views(views: Sequence[View], board: Board) -> list[View]:
    """Return at most `MOST_VIEWS` views that differ most from each other, in their order.

    Views differ by where the four outer corners of the board are in the image.
    """
    width, height = board.size_mm
    outline = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    places = np.array([_move(outline, view, board) for view in views])
    distances = np.full(len(views), np.inf)
    chosen: list[int] = []
    while len(chosen) < MOST_VIEWS:
        farthest = int(np.argmax(distances))
        if distances[farthest] < SAME_VIEW:
            break
        chosen.append(farthest)
        steps = np.linalg.norm(places - places[farthest], axis=-1).max(axis=-1)
        distances = np.minimum(distances, steps)
    return [views[index] for index in sorted(chosen)]


def _move(outline: np.ndarray, view: View, board: Board) -> np.ndarray:
    """Return the outer corners (4, 2) in a view, longer sides of the image."""
    matrix, _ = cv2.findHomography(board.corners_mm[view.ids, :2], view.points)
    moved = np.zeros((4, 2)) if matrix is None else cv2.perspectiveTransform(outline, matrix)[0]
    return np.asarray(moved) / max(view.image_wh)
