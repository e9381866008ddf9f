"""A page to print that shows a calibration board in true size."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cpose.errors import ConfigError
from cpose.files.atomic import write_atomic
from cpose.files.outputs import MARK, check_replaceable
from cpose.metric_scale.boards import Board

if TYPE_CHECKING:  # its import takes longer than the help of a command
    from matplotlib.figure import Figure

PAGE_ENDINGS = ('.pdf', '.png')
MM_PER_INCH = 25.4
LEAST_DPI, MOST_DPI = 50, 1200
MARGIN = 10.0
"""White rim around a board, millimetres; printers do not reach the edge of the paper."""
TEXT_ROOM = 8.0
"""Millimetres below the board."""
PAPER = ((210.0, 297.0), (297.0, 420.0), (420.0, 594.0), (594.0, 841.0))
"""A4 to A1, millimetres."""
MOST_PAGE_PIXELS = 100_000_000


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
    axes = figure.add_axes((left / page[0], bottom / page[1], *(size / page)))
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
    marker = f', markers {board.marker_mm:g} mm' if board.has_markers else ''
    return (
        f'{board.kind}, {columns} × {rows} squares of {board.square_mm:g} mm{marker}. '
        f'Print at 100 %: {columns} squares measure {board.size_mm[0]:g} mm.'
    )
