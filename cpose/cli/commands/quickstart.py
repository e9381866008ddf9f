"""``cpose quickstart``: from nothing to poses on pictures never seen."""

from argparse import Namespace, _SubParsersAction

from cpose.cli.arguments import add_cfg_options, add_force


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'quickstart', help='train minutes on synthetic boxes, evaluate, draw pictures'
    )
    parser.add_argument(
        '--out', default='quickstart', metavar='DIR', help='folder of everything that is written'
    )
    add_force(parser)
    add_cfg_options(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Run everything, print the table and the summary line."""
    from rich.console import Console

    from cpose.apis.quickstart import CONFIG, run_quickstart
    from cpose.evaluation.metric_table import PRIMARY_NUMBER
    from cpose.evaluation.report import build_table

    result = run_quickstart(args.out, CONFIG, args.cfg_options, args.force)
    console = Console()
    console.print(build_table(result.report, title='Boxes never seen in training'))
    console.print(
        f'Pictures: {result.overview} and {len(result.pictures)} in {result.pictures[0].parent}\n'
        'The same on your own images:\n'
        f'  cpose infer --model {result.checkpoint} YOUR_IMAGES',
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    console.file.write(
        f'quickstart: {PRIMARY_NUMBER}={result.report[PRIMARY_NUMBER]:.2f} '
        f'images={result.report["num_images"]} seconds={result.seconds:.0f} out={args.out}\n'
    )
    return 0
