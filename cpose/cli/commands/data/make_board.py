"""``cpose make-board``: print a calibration board in true size."""

from argparse import ArgumentParser, Namespace, _SubParsersAction
from typing import TYPE_CHECKING

from cpose.cli.arguments import add_force, positive_float, positive_int

if TYPE_CHECKING:
    from cpose.metric_scale.boards import Board


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'make-board', help='write a calibration board to print, for cpose calibrate'
    )
    parser.add_argument('out', metavar='OUT', help='page to write, .pdf or .png')
    add_board(parser)
    parser.add_argument('--dpi', type=positive_int, default=300, help='dots per inch')
    add_force(parser)
    parser.set_defaults(func=run)


def add_board(parser: ArgumentParser) -> None:
    """Add the kind and the sizes of a board."""
    parser.add_argument(
        '--kind',
        choices=('charuco', 'chessboard', 'aruco'),
        default='charuco',
        help='pattern of the board; the default is charuco',
    )
    parser.add_argument(
        '--squares',
        type=positive_int,
        nargs=2,
        default=(7, 5),
        metavar=('COLUMNS', 'ROWS'),
        help='squares across and down; the default is 7 5',
    )
    parser.add_argument(
        '--square-mm', type=positive_float, default=30.0, help='side of a square; the default is 30'
    )
    parser.add_argument(
        '--marker-mm',
        type=positive_float,
        default=22.0,
        help='side of a marker, but of a chessboard; the default is 22',
    )


def build_board(args: Namespace) -> 'Board':
    """Return the board of the options of `add_board`."""
    from cpose.metric_scale.boards import Board

    return Board(args.kind, tuple(args.squares), args.square_mm, args.marker_mm)


def run(args: Namespace) -> int:
    """Write the page and say how to print it."""
    from rich.console import Console

    from cpose.annotation.board_page import describe, page_size_mm, write_board

    board = build_board(args)
    write_board(args.out, board, args.dpi)
    width, height = page_size_mm(board)
    text = f'{args.out}: page of {width:g} × {height:g} mm, {describe(board)}'
    Console(highlight=False, markup=False).print(text, soft_wrap=True)
    return 0
