"""``cpose check-data``: find what is wrong with a folder of annotated images, and repair it."""

from argparse import Namespace, _SubParsersAction
from typing import TYPE_CHECKING

from cpose.cli.arguments import KeyValueAction

if TYPE_CHECKING:
    from rich.console import Console

    from cpose.annotation.checking import DataCheck


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'check-data', help='check images and annotations of a folder, and repair them'
    )
    parser.add_argument('folder', metavar='DIR', help='images with a JSON file each')
    parser.add_argument(
        '--fix', metavar='OUT', help='write what can be read with certainty to a new folder'
    )
    parser.add_argument('--json', metavar='FILE', help='write all findings by file')
    parser.add_argument(
        '--convention',
        nargs='+',
        action=KeyValueAction,
        metavar='FIELD=FORM',
        help='how the files are known to be written, for example camera_frame=opencv',
    )
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Print a table of what was found; 1 if there are errors that are not repaired."""
    from rich.console import Console
    from rich.progress import track

    from cpose.annotation.checking import DataCheck, check_folder, count_files
    from cpose.annotation.fixing import fix_file, prepare_fix
    from cpose.files.json_files import check_writable, write_json

    if args.json:
        check_writable(args.json)
    out = prepare_fix(args.folder, args.fix) if args.fix else None
    total = count_files(args.folder)
    checked = check_folder(args.folder, args.convention)
    console = Console(highlight=False, markup=False)
    progress = track(checked, 'Checking', total=total, console=Console(stderr=True))
    found = DataCheck(args.folder, list(progress))
    if args.json:
        write_json(args.json, found.to_dict())
    num_left = found.num_wrong
    fixed = None
    if out is not None:
        fixed = [fix_file(args.folder, out, item, args.convention) for item in found.files]
        num_left = len(fixed) - sum(fixed)
    _print(console, found)
    if fixed is not None:
        text = f'{sum(fixed)} of {total} files written to {args.fix}, {num_left} left out'
        console.print(text, soft_wrap=True)
    return 1 if num_left else 0


def _print(console: 'Console', found: 'DataCheck') -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(header_style='bold', box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column('')
    table.add_column('files', justify='right')
    table.add_column('finding', overflow='fold')
    table.add_column('for example', overflow='fold')
    rows = found.summary()
    for row in rows:
        table.add_row(*row)
    if rows:
        console.print(table)
    convention = found.contradictions.convention()
    if convention:
        words = ', '.join(f'{name}={form!r}' for name, form in convention.items())
        console.print(f'To read them as they are: convention=dict({words})', soft_wrap=True)
    spread = found.reprojection_percentiles()
    console.print(
        f'{len(found.files)} files, {found.num_wrong} with errors; corners are off by '
        f'{spread["50"]:.2f} px in the median, {spread["95"]:.2f} px at 95 %, '
        f'{spread["100"]:.2f} px at most',
        soft_wrap=True,
    )
