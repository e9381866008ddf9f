"""``cpose check-data``: find what is wrong with annotated images, and repair it."""

import math
import sys
from argparse import Namespace, _SubParsersAction
from typing import TYPE_CHECKING

from cpose.cli.arguments import add_convention, add_force
from cpose.cli.option_values import add_flags
from cpose.files.outputs import DASH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from cpose.annotation.checks.checking import CheckedFile, DataCheck

COPIES_FILE = 'copies.txt'
MOST_SHOWN = 20
STYLES = {'error': 'bold red', 'warning': 'yellow', 'note': 'dim'}


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'check-data',
        help='check images and annotations of folders, and repair them',
        description='Check images and annotations. Exit code 1 if there are errors.',
    )
    parser.add_argument(
        'folders',
        nargs='+',
        metavar='DIR',
        help='images with a JSON file each; sub-folders train, val and test, or several folders, '
        'are parts of the data that must not share anything',
    )
    parser.add_argument(
        '--fix',
        metavar='OUT',
        help='write what can be read with certainty to a new folder, of copies of a picture one',
    )
    parser.add_argument('--html', metavar='FILE', help='write a report with pictures, one file')
    parser.add_argument(
        '--json',
        metavar='FILE',
        help=f'write all findings by file; {DASH} prints them, and the table beside errors',
    )
    add_convention(parser)
    add_flags(parser, {'data_root': 'DIR'})
    add_force(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Print a table of what was found; 1 if there are errors that are not repaired."""
    from rich.console import Console

    from cpose.annotation.checks.report import write_report
    from cpose.files.json_files import check_writable, json_text, write_json
    from cpose.files.outputs import prepare_new_folder

    _check_arguments(args)
    is_printed = args.json == DASH
    for path in (None if is_printed else args.json, args.html):
        if path:
            check_writable(path)
    out = prepare_new_folder(args.fix, args.folders[0], 'fix') if args.fix else None
    found = _check(args)
    if is_printed:
        sys.stdout.write(json_text(found.to_dict()))
    elif args.json:
        write_json(args.json, found.to_dict())
    if args.html:
        write_report(args.html, found, args.convention)
    console = Console(highlight=False, markup=False, stderr=is_printed)
    _print(console, found)
    if out is None:
        return 1 if found.num_wrong or found.severities()['error'] else 0
    return _fix(console, found, out, args)


def _fix(console: 'Console', found: 'DataCheck', out: 'Path', args: Namespace) -> int:
    """Write what can be repaired; 1 if something is left out that is no copy, or stays wrong."""
    from cpose.annotation.checks.fixing import find_copies, fix_file, write_copies
    from cpose.annotation.html_page import clean_text

    (root,) = found.roots
    copies = find_copies(root, found.files)
    wanted = [item for item in found.files if item.path not in copies]
    num_fixed = sum(fix_file(root, out, item, args.convention) for item in wanted)
    num_left = len(wanted) - num_fixed
    also = f', {len(copies)} copies left out' if copies else ''
    console.print(
        f'{num_fixed} of {len(found.files)} files written to {args.fix}, {num_left} left out{also}',
        soft_wrap=True,
    )
    if copies:
        write_copies(out / COPIES_FILE, copies)
        for copy, first in list(copies.items())[:MOST_SHOWN]:
            console.print(f'  {clean_text(copy)} is a copy of {clean_text(first)}', soft_wrap=True)
        console.print(f'All copies: {out / COPIES_FILE}', soft_wrap=True)
    return 1 if num_left or _share_pictures(wanted) else 0


def _share_pictures(files: 'Sequence[CheckedFile]') -> bool:
    """Tell whether pictures of the same bytes are in several parts of the data."""
    parts: dict[str, set[str]] = {}
    for item in files:
        if item.digest:
            parts.setdefault(item.digest, set()).add(item.source.part)
    return any(len(found) > 1 for found in parts.values())


def _check_arguments(args: Namespace) -> None:
    from cpose.errors import ConfigError

    if args.fix and len(args.folders) > 1:
        raise ConfigError(
            'repairs one folder at a time',
            argument='fix',
            value=args.fix,
            advice=f'Give one folder; there are {len(args.folders)}',
        )


def _check(args: Namespace) -> 'DataCheck':
    from itertools import chain

    from rich.console import Console
    from rich.progress import track

    from cpose.annotation.checks.checking import check_folder, count_files
    from cpose.annotation.checks.comparison import compare_files

    roots = list(dict.fromkeys(args.folders))
    total = sum(map(count_files, roots))
    checked = chain.from_iterable(
        check_folder(root, args.convention, root if len(roots) > 1 else '') for root in roots
    )
    progress = track(checked, 'Checking', total=total, console=Console(stderr=True))
    return compare_files(roots, list(progress))


def _print(console: 'Console', found: 'DataCheck') -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from cpose.annotation.html_page import clean_text

    table = Table(header_style='bold', box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column('')
    table.add_column('files', justify='right')
    table.add_column('finding', overflow='fold')
    table.add_column('for example', overflow='fold')
    kinds = found.kinds()
    for kind in kinds:
        severity = Text(kind.example.severity, style=STYLES[kind.example.severity])
        problem, place = clean_text(str(kind.example)), clean_text(kind.place)
        table.add_row(severity, str(kind.count), problem, place)
    if kinds:
        console.print(table)
    convention = found.contradictions.convention()
    if convention:
        words = ', '.join(f'{name}={form!r}' for name, form in convention.items())
        console.print(f'To read them as they are: convention=dict({words})', soft_wrap=True)
    console.print(_describe(found), soft_wrap=True)


def _describe(found: 'DataCheck') -> str:
    spread, counts = found.reprojection_percentiles(), found.severities()
    num_objects = sum(len(item.objects) for item in found.files)
    text = (
        f'{len(found.files)} files, {num_objects} objects, {found.num_wrong} files with errors, '
        f'{counts["warning"]} warnings'
    )
    if math.isnan(spread['50']):
        return text
    return (
        f'{text}; corners are off by {spread["50"]:.2f} px in the median, '
        f'{spread["95"]:.2f} px at 95 %, {spread["100"]:.2f} px at most'
    )
