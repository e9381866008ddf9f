"""``cpose quickstart``: what the shipped model finds, then one's own from nothing to poses."""

import time
from argparse import Namespace, _SubParsersAction
from functools import partial

from cpose.cli.arguments import add_cfg_options, add_force


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'quickstart',
        help='see what the shipped model finds, train minutes on synthetic boxes, draw pictures',
    )
    parser.add_argument(
        '--out', default='quickstart', metavar='DIR', help='folder of everything that is written'
    )
    parser.add_argument(
        '--config',
        default='quickstart_pretrained',
        metavar='CONFIG',
        help='of the training, default: quickstart_pretrained; quickstart starts from nothing and '
        "does not need pip install 'cpose[pretrained]'",
    )
    add_force(parser)
    add_cfg_options(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Run everything, print the table and the summary line."""
    from rich.console import Console

    from cpose.apis.quickstart import SHIPPED_MODEL, run_quickstart, show_model
    from cpose.evaluation.metric_table import PRIMARY_NUMBER
    from cpose.evaluation.report import build_table

    console = Console()
    tell = partial(console.print, soft_wrap=True, highlight=False, markup=False)
    start = time.perf_counter()
    overview = show_model(SHIPPED_MODEL, args.out, args.force)
    tell(
        f'What the model {SHIPPED_MODEL} finds in pictures that it never saw: {overview}\n'
        f'The same on your own images:\n  cpose infer --model {SHIPPED_MODEL} YOUR_IMAGES\n'
        'Next, a small model of your own is trained.'
    )
    result = run_quickstart(args.out, args.config, args.cfg_options, args.force)
    console.print(build_table(result.report, title='Boxes never seen in training'))
    tell(
        f'Pictures: {result.overview} and {len(result.pictures)} in {result.pictures[0].parent}\n'
        f'Your model on your own images:\n  cpose infer --model {result.checkpoint} YOUR_IMAGES'
    )
    seconds = time.perf_counter() - start
    console.file.write(
        f'quickstart: {PRIMARY_NUMBER}={result.report[PRIMARY_NUMBER]:.2f} '
        f'images={result.report["num_images"]} seconds={seconds:.0f} out={args.out}\n'
    )
    return 0
