"""Calibration boards: a pattern of known size, drawn, printed in true size, and found in images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from cpose.errors import ConfigError
from cpose.files.atomic import write_atomic
from cpose.files.outputs import MARK, check_replaceable

if TYPE_CHECKING:  # its import takes longer than the help of a command
    from matplotlib.figure import Figure

KINDS = ('charuco', 'chessboard')
PAGE_ENDINGS = ('.pdf', '.png')
DICTIONARY = cv2.aruco.DICT_5X5_250
NUM_MARKERS = 250
LEAST_SQUARES = 4
"""Per side: OpenCV finds chessboards from 3 inner corners per side on."""
MOST_SQUARES = 100
LARGEST_MARKER = 0.9
"""Of a square; a marker needs a white rim."""
LEAST_CORNERS = 6
"""Of a ChArUco board that is partly seen."""
WINDOW = 0.2
"""Of the shortest distance of two corners: how far around a corner its edges are looked at."""
SMALLEST_WINDOW, LARGEST_WINDOW = 2, 15
"""Pixels."""
SHORTEST_SQUARE, LONGEST_SQUARE = 1.0, 1000.0
"""Millimetres."""
MM_PER_INCH = 25.4
LEAST_DPI, MOST_DPI = 50, 1200
MARGIN = 10.0
"""White rim around a board, millimetres; printers do not reach the edge of the paper."""
TEXT_ROOM = 8.0
"""Millimetres below the board."""
PAPER = ((210.0, 297.0), (297.0, 420.0), (420.0, 594.0), (594.0, 841.0))
"""A4 to A1, millimetres."""
MOST_PAGE_PIXELS = 100_000_000


@dataclass(frozen=True)
class Board:
    """A flat board of black and white squares; a ChArUco board has markers in the white ones.

    Attributes:
        kind: One of `KINDS`.
        squares: Number of squares across and down.
        square_mm: Side of a square.
        marker_mm: Side of a marker, for ChArUco boards.

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
        if self.kind == 'charuco':
            self._check_markers()

    def _check_markers(self) -> None:
        if not 0 < self.marker_mm <= LARGEST_MARKER * self.square_mm:
            raise ConfigError(
                f'must be above 0 and at most {LARGEST_MARKER:g} of a square, which is '
                f'{self.square_mm:g} mm',
                argument='marker_mm',
                value=self.marker_mm,
            )
        if self.squares[0] * self.squares[1] // 2 > NUM_MARKERS:
            raise ConfigError(
                f'needs {self.squares[0] * self.squares[1] // 2} markers, and there are '
                f'{NUM_MARKERS}',
                argument='squares',
                value=self.squares,
                advice=('Take fewer squares', 'Take a chessboard'),
            )

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of all squares."""
        return self.squares[0] * self.square_mm, self.squares[1] * self.square_mm

    @cached_property
    def corners_mm(self) -> np.ndarray:
        """Inner corners (N, 3), row by row from the first corner of the board, z = 0."""
        columns, rows = (count - 1 for count in self.squares)
        x, y = np.meshgrid(np.arange(1, columns + 1), np.arange(1, rows + 1))
        flat = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
        return flat.astype(np.float32) * np.float32(self.square_mm)

    @cached_property
    def _charuco(self) -> cv2.aruco.CharucoBoard:
        dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
        return cv2.aruco.CharucoBoard(self.squares, self.square_mm, self.marker_mm, dictionary)

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
        colors = np.add.outer(np.arange(rows), np.arange(columns)) % 2 * 255
        return np.kron(colors, np.ones((pixels_per_square,) * 2)).astype(np.uint8)

    def find(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the inner corners in an image.

        Args:
            image: (H, W, 3) uint8, BGR.

        Returns:
            Indices (N,) into `corners_mm` and positions (N, 2) float32, pixels; none if the board
            is not seen. A chessboard is found whole or not at all, from either of its two sides.
        """
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        ids, points = self._find_charuco(gray) if self.kind == 'charuco' else self._find_all(gray)
        cells = self.corners_mm[ids, :2]
        is_flat = len(ids) < LEAST_CORNERS or np.linalg.matrix_rank(cells - cells[:1]) < 2
        return (ids[:0], points[:0]) if is_flat else (ids, points)

    def _find_charuco(self, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found: Sequence[Any] = self._detector.detectBoard(gray)
        if found[0] is None or found[1] is None:
            return np.empty(0, np.intp), np.empty((0, 2), np.float32)
        points = np.asarray(found[0], np.float32).reshape(-1, 2)
        return np.asarray(found[1]).ravel().astype(np.intp), points

    def _find_all(self, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns, rows = (count - 1 for count in self.squares)
        flags = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_ACCURACY
        is_found, points = cv2.findChessboardCornersSB(gray, (columns, rows), flags=flags)
        if not is_found:
            return np.empty(0, np.intp), np.empty((0, 2), np.float32)
        return np.arange(columns * rows), _refine(gray, np.asarray(points, np.float32), columns)


def _refine(gray: np.ndarray, points: np.ndarray, columns: int) -> np.ndarray:
    """Move the corners of a chessboard (N, 1, 2) to where its edges cross; returns (N, 2).

    With the positions of the search alone the principal point was off by four pixels.
    """
    grid = points.reshape(-1, columns, 2)
    steps = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min() for axis in (0, 1)]
    reach = int(np.clip(WINDOW * min(steps), SMALLEST_WINDOW, LARGEST_WINDOW))
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)
    refined = cv2.cornerSubPix(gray, points.copy(), (reach, reach), (-1, -1), criteria)
    return np.asarray(refined).reshape(-1, 2)


def page_size_mm(board: Board) -> tuple[float, float]:
    """Return width and height of the paper: the smallest of A4 to A1, else as large as needed."""
    width, height = board.size_mm
    needed = (width + 2 * MARGIN, height + 2 * MARGIN + TEXT_ROOM)
    for short, long in PAPER:
        for page in ((long, short), (short, long)):
            if needed[0] <= page[0] and needed[1] <= page[1]:
                return page
    return needed


def write_board(path: str | Path, board: Board, dpi: int = 300) -> None:
    """Write a page with the board in true size, and its sizes in small text below.

    Args:
        path: A name that ends in ``.pdf`` or ``.png``.
        board: What to print.
        dpi: Dots per inch.

    Raises:
        ConfigError: If the ending or the resolution cannot be used.
        OutputError: If the file cannot be written, or may not be, see `check_replaceable`.
    """
    kind = Path(path).suffix.lower()
    if kind not in PAGE_ENDINGS:
        raise ConfigError(
            f'must end in {" or ".join(PAGE_ENDINGS)}', argument='out', value=str(path)
        )
    width, height = (length / MM_PER_INCH for length in page_size_mm(board))
    if not LEAST_DPI <= dpi <= MOST_DPI or width * height * dpi**2 > MOST_PAGE_PIXELS:
        raise ConfigError(
            f'must be from {LEAST_DPI} to {MOST_DPI}, and the page of {width:.0f} × {height:.0f} '
            f'inches at most {MOST_PAGE_PIXELS:,} pixels',
            argument='dpi',
            value=dpi,
            advice='Take a lower one',
        )
    check_replaceable(path)
    content = BytesIO()
    origin = {'Software' if kind == '.png' else 'Creator': MARK.decode()}
    _draw_page(board, dpi).savefig(content, dpi=dpi, format=kind[1:], metadata=origin)
    write_atomic(path, content.getvalue(), 'Choose another file', 'out')


def _draw_page(board: Board, dpi: int) -> 'Figure':
    from matplotlib.figure import Figure

    page, size = np.array(page_size_mm(board)), np.array(board.size_mm)
    figure = Figure(figsize=tuple(page / MM_PER_INCH))
    left, bottom = (page - size + (0, TEXT_ROOM)) / 2
    place = (left / page[0], bottom / page[1], *(size / page))
    axes = figure.add_axes(place)
    axes.set_axis_off()
    pixels = max(1, round(board.square_mm / MM_PER_INCH * dpi))
    axes.imshow(board.draw(pixels), cmap='gray', vmin=0, vmax=255, interpolation='none')
    axes.set_aspect('auto')
    figure.text(
        0.5, (bottom - TEXT_ROOM) / page[1], describe(board), size=7, ha='center', va='center'
    )
    return figure


def describe(board: Board) -> str:
    """Return the sizes of a board, as they stand below it."""
    columns, rows = board.squares
    marker = f', markers {board.marker_mm:g} mm' if board.kind == 'charuco' else ''
    return (
        f'{board.kind}, {columns} × {rows} squares of {board.square_mm:g} mm{marker}. '
        f'Print at 100 %: {columns} squares measure {board.size_mm[0]:g} mm.'
    )
