"""``cpose test``: evaluate a model on annotated images."""

from argparse import Namespace, _SubParsersAction

from cpose.cli.arguments import (
    add_config_and_checkpoint,
    add_force,
    add_launcher,
    add_scales,
    plot_file,
    read_config,
)
from cpose.cli.option_values import add_flags


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('test', help='evaluate a model on annotated images')
    add_config_and_checkpoint(parser)
    parser.add_argument('--data-root', metavar='DIR', help="annotated images, not the config's")
    parser.add_argument('--out', metavar='JSON', help='write all numbers and curves')
    parser.add_argument('--dump', metavar='FILE', help='write predictions for cpose evaluate')
    parser.add_argument(
        '--plot',
        type=plot_file,
        metavar='FILE',
        help='draw precision over recall and thresholds; .png, .pdf or .svg',
    )
    parser.add_argument('--work-dir', metavar='DIR', help='logs; default: work_dirs/<config>/test')
    parser.add_argument(
        '--track',
        action='store_true',
        help='the images are frames of videos, numbered in a folder each: follow the objects, and '
        'measure tracks too',
    )
    add_scales(parser)
    add_launcher(parser)
    add_force(parser)
    add_flags(parser, {'batch_size': '--cfg-options test_dataloader.batch_size'})
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Evaluate, write what was asked for and print the table."""
    from cpose.apis.training import evaluate
    from cpose.engine.processes import is_first_process, leave_processes
    from cpose.files.json_files import check_writable

    try:
        for path in filter(None, (args.out, args.plot)):
            check_writable(path)
        report = evaluate(
            read_config(args),
            args.checkpoint,
            args.data_root,
            args.dump,
            args.work_dir,
            args.launcher,
            scales=args.scales,
            track=args.track,
        )
        if is_first_process():
            _show(args, report)
    finally:
        leave_processes()
    return 0


def _show(args: Namespace, report: dict) -> None:
    from rich.console import Console

    from cpose.evaluation.report import build_table, build_track_table, write_metrics_json

    if args.out is not None:
        write_metrics_json(args.out, report)
    if args.plot:
        from cpose.evaluation.curve_plot import plot_curves

        plot_curves(report, args.plot, title=args.checkpoint)
    console = Console()
    console.print(build_table(report, title=args.checkpoint))
    if args.track:
        console.print(build_track_table(report))
