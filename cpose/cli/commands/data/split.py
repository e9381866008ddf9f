"""``cpose split``: training, validation and test data that share no video and no picture."""

from argparse import Namespace, _SubParsersAction
from typing import TYPE_CHECKING

from cpose.cli.arguments import add_convention, non_negative_int
from cpose.cli.option_values import add_flags

if TYPE_CHECKING:
    from cpose.annotation.splitting import Split


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'split', help='split annotated images into train, val and test without leakage'
    )
    parser.add_argument('root', metavar='DIR', help='images with a JSON file each')
    parser.add_argument(
        '--by',
        choices=('video', 'scene', 'random'),
        required=True,
        help='what stays together: frames of a video (folder and name up to the number), pictures '
        'of a scene (folder), or single pictures; those that look alike always do',
    )
    parser.add_argument('--out', metavar='OUT', required=True, help='new or empty folder')
    parser.add_argument(
        '--fractions',
        type=float,
        nargs='+',
        default=(0.8, 0.1, 0.1),
        metavar='SHARE',
        help='shares of train and val, or of train, val and test; the default is 0.8 0.1 0.1',
    )
    parser.add_argument(
        '--seed', type=non_negative_int, default=0, help='another seed gives another split'
    )
    parser.add_argument(
        '--folders',
        action='store_true',
        help='make folders with links to the files, or copies where there are no links, instead '
        'of lists for image_list of the data sets',
    )
    add_convention(parser)
    add_flags(parser, {'data_root': 'DIR'})
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Write lists or folders, and print how many pictures and objects each part has."""
    from rich.console import Console
    from rich.progress import track

    from cpose.annotation.checks.checking import check_folder, count_files
    from cpose.annotation.splitting import (
        check_fractions,
        plan_split,
        write_folders,
        write_lists,
        write_summary,
    )
    from cpose.files.outputs import prepare_new_folder

    shares = check_fractions(args.fractions)
    out = prepare_new_folder(args.out, args.root)
    checked = check_folder(args.root, args.convention)
    total, console = count_files(args.root), Console(stderr=True)
    files = list(track(checked, 'Reading', total=total, console=console))
    split = plan_split(args.root, files, args.by, shares, args.seed)
    if args.folders:
        num_copied = write_folders(args.root, out, split)
        done = f'{num_copied} files copied' if num_copied else 'files linked'
        done += f' into the folders {", ".join(shares)} of {args.out}'
    else:
        write_lists(out, split)
        settings = {'by': args.by, 'seed': args.seed, 'shares': shares}
        write_summary(out, args.root, split, settings)
        done = f'lists in {args.out}: take one with image_list, and {args.root} as data_root'
    _print(split, done)
    return 0


def _print(split: 'Split', done: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(header_style='bold', box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column('')
    for title in ('images', 'groups'):
        table.add_column(title, justify='right')
    table.add_column('objects')
    for part, items in split.parts.items():
        classes = split.count_classes(part).items()
        words = ', '.join(f'{count} {name or "without class"}' for name, count in classes)
        table.add_row(part, str(len(items)), str(split.num_groups[part]), words)
    console = Console(highlight=False, markup=False)
    console.print(table)
    for part, names in split.missing_classes().items():
        words = ', '.join(name or 'without class' for name in names)
        console.print(f'{part} shows no object of {words}: whole groups stay together')
    if split.num_left:
        files, are = ('file', 'is') if split.num_left == 1 else ('files', 'are')
        console.print(
            f'{split.num_left} {files} cannot be used and {are} left out (cpose check-data)'
        )
    console.print(done, soft_wrap=True)
