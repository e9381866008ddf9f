"""``cpose calibrate``: determine a camera from pictures or a video of a calibration board."""

import sys
from argparse import Namespace, _SubParsersAction
from typing import TYPE_CHECKING

from cpose.cli.arguments import add_force, positive_int
from cpose.cli.commands.data.make_board import add_board, build_board

if TYPE_CHECKING:
    from cpose.annotation.board_views import View
    from cpose.annotation.calibrating import Calibration
    from cpose.metric_scale.boards import Board

COEFFICIENTS = ('k1', 'k2', 'p1', 'p2', 'k3')


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'calibrate', help='determine a camera from pictures or a video of a board'
    )
    parser.add_argument(
        'inputs', metavar='DIR|VIDEO', help='pictures of the board, or a video of it'
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='FILE',
        help='camera file to write: .yaml',
    )
    add_board(parser)
    parser.add_argument(
        '--every',
        type=positive_int,
        default=5,
        metavar='N',
        help='look at every Nth frame of a video; the default is 5',
    )
    add_force(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Write the camera file, and print the camera and how well it is determined."""
    import warnings

    from rich.console import Console

    from cpose.annotation.calibrating import calibrate, check_yaml_name, write_camera
    from cpose.files.json_files import check_writable

    board = build_board(args)
    check_yaml_name(args.out)
    check_writable(args.out)
    views = _find_views(args, board)
    found = calibrate(views, board, args.inputs)
    write_camera(args.out, found)
    for view in found.left_out:
        sys.stderr.write(
            f'cpose calibrate: left out: {view.path} is off by {view.residual:.2f} pixels\n'
        )
    for doubt in found.doubts():
        warnings.warn(f'The views in {args.inputs} {doubt}.', stacklevel=2)
    console = Console(highlight=False, markup=False)
    console.print('\n'.join(_describe(found, views)), soft_wrap=True)
    console.print(f'Camera in {args.out}', soft_wrap=True)
    return 0


def _find_views(args: Namespace, board: 'Board') -> 'list[View]':
    from rich.console import Console
    from rich.progress import track

    from cpose.annotation.board_views import find_views
    from cpose.apis.inference.image_sources import count_images, read_images
    from cpose.apis.inference.video_frames import is_live
    from cpose.errors import ConfigError, DataError

    if is_live(args.inputs):
        raise ConfigError(
            'is a camera or stream, which has no end',
            argument='inputs',
            value=args.inputs,
            advice='Record a video, and give its file',
        )

    def tell(error: DataError) -> None:
        sys.stderr.write(f'cpose calibrate: left out: {error}\n')

    total = count_images([args.inputs])
    images = track(
        read_images(args.inputs, tell), 'Looking', total=total, console=Console(stderr=True)
    )
    return find_views(images, board, args.every)


def _describe(found: 'Calibration', views: 'list[View]') -> list[str]:
    """Return the lines of the report."""
    matrix, std = found.intrinsics, max(found.focal_std)
    width, height = found.image_wh
    num_seen = sum(len(view.ids) > 0 for view in views)
    pairs = zip(COEFFICIENTS, found.distortion, strict=False)
    return [
        f'image             {width} × {height} px',
        f'focal length      {matrix[0, 0]:.2f}, {matrix[1, 1]:.2f} px (± {std:.2f})',
        f'principal point   {matrix[0, 2]:.2f}, {matrix[1, 2]:.2f} px',
        f'distortion        {", ".join(f"{name} {value:.5f}" for name, value in pairs)}',
        f'residual (RMS)    {found.rms:.3f} px',
        f'views             {len(found.views)} used; {num_seen} of {len(views)} show the board',
        f'coverage          {100 * found.coverage:.0f} % of the image, boards tilted by up to '
        f'{found.tilt:.0f}° between views',
    ]
