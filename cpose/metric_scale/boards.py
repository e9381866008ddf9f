"""Calibration boards: a pattern of known size, drawn, and found in images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from cpose.errors import ConfigError

KINDS = ('charuco', 'chessboard', 'aruco')
DICTIONARY = cv2.aruco.DICT_5X5_250
NUM_MARKERS = 250
LEAST_SQUARES, MOST_SQUARES = 4, 100
"""Per side: OpenCV finds chessboards from 3 inner corners per side on."""
LARGEST_MARKER = 0.9
"""Of a square; a marker needs a white rim."""
LEAST_CORNERS = 6
"""Of a ChArUco board that is partly seen."""
SEARCHED_SIDE = 1600
"""Pixels, of the image that is searched for a chessboard; at 12 megapixels it took 15 seconds."""
WINDOW = 0.2
"""Of the shortest distance of two corners: how far around a corner its edges are looked at."""
SMALLEST_WINDOW, LARGEST_WINDOW = 2, 15
"""Pixels."""
SHORTEST_SQUARE, LONGEST_SQUARE = 1.0, 1000.0
"""Millimetres."""


@dataclass(frozen=True)
class Board:
    """A flat board of black and white squares, or of markers.

    A ChArUco board has markers in its white squares, an ArUco board has one in each square and no
    black ones: it is found where little of it is seen, but its corners are less exact.

    Attributes:
        kind: One of `KINDS`.
        squares: Number of squares across and down.
        square_mm: Side of a square.
        marker_mm: Side of a marker.

    Raises:
        ConfigError: If a value is out of range.
    """

    kind: str = 'charuco'
    squares: tuple[int, int] = (7, 5)
    square_mm: float = 30.0
    marker_mm: float = 22.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(
                f'must be one of {", ".join(KINDS)}', argument='kind', value=self.kind
            )
        if not all(LEAST_SQUARES <= count <= MOST_SQUARES for count in self.squares):
            raise ConfigError(
                f'must be two numbers from {LEAST_SQUARES} to {MOST_SQUARES}: squares across and '
                'down',
                argument='squares',
                value=self.squares,
            )
        if not SHORTEST_SQUARE <= self.square_mm <= LONGEST_SQUARE:
            raise ConfigError(
                f'must be from {SHORTEST_SQUARE:g} to {LONGEST_SQUARE:g} mm',
                argument='square_mm',
                value=self.square_mm,
            )
        if self.has_markers:
            self._check_markers()

    def _check_markers(self) -> None:
        if not 0 < self.marker_mm <= LARGEST_MARKER * self.square_mm:
            raise ConfigError(
                f'must be above 0 and at most {LARGEST_MARKER:g} of a square, which is '
                f'{self.square_mm:g} mm',
                argument='marker_mm',
                value=self.marker_mm,
            )
        num_squares = self.squares[0] * self.squares[1]
        num_markers = num_squares if self.kind == 'aruco' else num_squares // 2
        if num_markers > NUM_MARKERS:
            raise ConfigError(
                f'needs {num_markers} markers, and there are {NUM_MARKERS}',
                argument='squares',
                value=self.squares,
                advice=('Take fewer squares', 'Take a chessboard'),
            )

    @property
    def has_markers(self) -> bool:
        """Whether it can be partly hidden, and does not look the same from two sides."""
        return self.kind != 'chessboard'

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of all squares."""
        return self.squares[0] * self.square_mm, self.squares[1] * self.square_mm

    @cached_property
    def corners_mm(self) -> np.ndarray:
        """Corners (N, 3) that are found, z = 0; x runs right and y down.

        Inner corners of the squares row by row, or the four corners of each marker, from the left
        upper one clockwise, marker by marker.
        """
        if self.kind == 'aruco':
            return np.concatenate(self._aruco.getObjPoints()).astype(np.float32)
        columns, rows = (count - 1 for count in self.squares)
        x, y = np.meshgrid(np.arange(1, columns + 1), np.arange(1, rows + 1))
        flat = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
        return flat.astype(np.float32) * np.float32(self.square_mm)

    @cached_property
    def _charuco(self) -> cv2.aruco.CharucoBoard:
        dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
        return cv2.aruco.CharucoBoard(self.squares, self.square_mm, self.marker_mm, dictionary)

    @cached_property
    def _aruco(self) -> cv2.aruco.Board:
        columns, rows = self.squares
        dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
        square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
        rim = (self.square_mm - self.marker_mm) / 2
        places = [(column, row, 0) for row in range(rows) for column in range(columns)]
        starts = np.array(places, np.float32) * self.square_mm + np.array([rim, rim, 0])
        markers = (starts[:, None] + square * self.marker_mm).astype(np.float32)
        return cv2.aruco.Board(markers, dictionary, np.arange(columns * rows))

    @cached_property
    def _marker_detector(self) -> cv2.aruco.ArucoDetector:
        parameters = cv2.aruco.DetectorParameters()
        parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        return cv2.aruco.ArucoDetector(self._aruco.getDictionary(), parameters)

    @cached_property
    def _detector(self) -> cv2.aruco.CharucoDetector:
        return cv2.aruco.CharucoDetector(self._charuco)

    def draw(self, pixels_per_square: int) -> np.ndarray:
        """Draw the squares without a rim.

        Returns:
            (rows · pixels, columns · pixels) uint8.
        """
        columns, rows = self.squares
        if self.kind == 'charuco':
            size = (columns * pixels_per_square, rows * pixels_per_square)
            return np.asarray(self._charuco.generateImage(size))
        if self.kind == 'aruco':
            return self._draw_markers(pixels_per_square)
        colors = np.add.outer(np.arange(rows), np.arange(columns)) % 2 * 255
        return np.kron(colors, np.ones((pixels_per_square,) * 2)).astype(np.uint8)

    def _draw_markers(self, pixels_per_square: int) -> np.ndarray:
        columns, rows = self.squares
        side = round(pixels_per_square * self.marker_mm / self.square_mm)
        rim = (pixels_per_square - side) // 2
        drawn = np.full((rows * pixels_per_square, columns * pixels_per_square), 255, np.uint8)
        for number in range(columns * rows):
            row, column = divmod(number, columns)
            top, left = row * pixels_per_square + rim, column * pixels_per_square + rim
            marker = self._aruco.getDictionary().generateImageMarker(number, side)
            drawn[top : top + side, left : left + side] = marker
        return drawn

    def find(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the inner corners in an image.

        Args:
            image: (H, W, 3) uint8, BGR.

        Returns:
            Indices (N,) into `corners_mm` and positions (N, 2) float32, pixels; none if the board
            is not seen. A chessboard is found whole or not at all, from either of its two sides.
        """
        search = {
            'charuco': self._find_charuco,
            'chessboard': self._find_all,
            'aruco': self._find_markers,
        }
        ids, points = search[self.kind](cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        cells = self.corners_mm[ids, :2]
        is_flat = len(ids) < LEAST_CORNERS or np.linalg.matrix_rank(cells - cells[:1]) < 2
        return (ids[:0], points[:0]) if is_flat else (ids, points)

    def _find_charuco(self, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found: Sequence[Any] = self._detector.detectBoard(gray)
        if found[0] is None or found[1] is None:
            return np.empty(0, np.intp), np.empty((0, 2), np.float32)
        points = np.asarray(found[0], np.float32).reshape(-1, 2)
        return np.asarray(found[1]).ravel().astype(np.intp), points

    def _find_markers(self, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        corners, numbers, _ = self._marker_detector.detectMarkers(gray)
        found = [] if numbers is None else np.ravel(numbers).tolist()
        count = self.squares[0] * self.squares[1]
        known = {  # a number that is seen twice is none of this board
            number: points.reshape(4, 2)
            for number, points in sorted(zip(found, corners, strict=True), key=lambda pair: pair[0])
            if number < count and found.count(number) == 1
        }
        ids = [4 * number + corner for number in known for corner in range(4)]
        return np.array(ids, np.intp), np.array([*known.values()], np.float32).reshape(-1, 2)

    def _find_all(self, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns, rows = (count - 1 for count in self.squares)
        scale = min(1.0, SEARCHED_SIDE / max(gray.shape))
        small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        is_found, points = cv2.findChessboardCornersSB(
            small, (columns, rows), flags=cv2.CALIB_CB_NORMALIZE_IMAGE
        )
        if not is_found:
            return np.empty(0, np.intp), np.empty((0, 2), np.float32)
        points = (np.asarray(points, np.float32) + 0.5) / scale - 0.5
        return np.arange(columns * rows), _refine(gray, points, columns)


def _refine(gray: np.ndarray, points: np.ndarray, columns: int) -> np.ndarray:
    """Move corners (N, 1, 2) to where edges cross: the search alone is off too far. (N, 2)."""
    grid = points.reshape(-1, columns, 2)
    steps = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min() for axis in (0, 1)]
    reach = int(np.clip(WINDOW * min(steps), SMALLEST_WINDOW, LARGEST_WINDOW))
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)
    refined = cv2.cornerSubPix(gray, points.copy(), (reach, reach), (-1, -1), criteria)
    return np.asarray(refined).reshape(-1, 2)
