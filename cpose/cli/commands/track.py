"""``cpose track``: smooth and draw the tracks of a file, without a network."""

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from pathlib import Path

from cpose.cli.arguments import add_force, positive_int
from cpose.cli.commands.infer import SMOOTHING_LAG


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser: ArgumentParser = subparsers.add_parser(
        'track', help='smooth and draw tracks that infer --track wrote, without the network'
    )
    parser.add_argument('file', metavar='FILE', help='NAME.tracks.json of cpose infer --track')
    parser.add_argument(
        '--smooth',
        type=positive_int,
        nargs='?',
        const=SMOOTHING_LAG,
        metavar='FRAMES',
        help=f'smooth poses by so many later frames too, {SMOOTHING_LAG} without a number; '
        'default: as they were followed',
    )
    parser.add_argument(
        '--video',
        metavar='VIDEO',
        help='the video, or the folder of its numbered frames, to draw numbers and trails into',
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='DIR', help='folder for json/ and vis/'
    )
    parser.add_argument(
        '--frame',
        choices=('opencv', 'objectron'),
        default='opencv',
        help='camera frame of 3D values in the JSON file',
    )
    add_force(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Write the file and the video, and print how many frames and tracks there are."""
    from cpose.apis.tracks.track_smoothing import smooth_tracks

    frames, tracks = smooth_tracks(args.file, args.out, args.smooth, args.video, args.frame)
    sys.stdout.write(f'{frames} frames, {tracks} tracks: {args.out}\n')
    return 0
