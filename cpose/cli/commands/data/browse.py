"""``cpose browse``: a page of annotations, of what training sees, or of predictions."""

from argparse import Namespace, _SubParsersAction

from cpose.cli.arguments import (
    add_cfg_options,
    add_convention,
    add_force,
    positive_int,
)


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'browse', help='write a page of annotations, of training inputs, or of predictions'
    )
    parser.add_argument(
        'source',
        metavar='DIR|CONFIG|RESULTS',
        help='annotated images; a config, for the augmented inputs with their targets; results: a '
        'file of cpose test --dump or a folder of cpose infer, the worst first',
    )
    parser.add_argument('--out', metavar='FILE', default='browse.html', help='the page to write')
    parser.add_argument('--num', type=positive_int, default=60, help='pictures at most')
    parser.add_argument('--images', metavar='DIR', help='annotated images of the results')
    add_convention(parser)
    add_cfg_options(parser)
    add_force(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Write the page and say where it is."""
    from rich.console import Console

    from cpose.annotation.browsing.page import browse
    from cpose.annotation.html_page import write_page
    from cpose.files.json_files import check_writable

    check_writable(args.out)
    page = browse(args.source, args.num, args.images, args.convention, args.cfg_options)
    write_page(args.out, page)
    Console(highlight=False, markup=False).print(f'Page in {args.out}', soft_wrap=True)
    return 0
