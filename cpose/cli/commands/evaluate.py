"""``cpose evaluate``: score a file of predictions again, without model or images."""

from argparse import Namespace, _SubParsersAction

from cpose.cli.arguments import add_cfg_options, add_force, plot_file, positive_int


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('evaluate', help='score predictions written with test --dump')
    parser.add_argument('file', metavar='FILE', help='JSON written with test --dump')
    parser.add_argument(
        '--config',
        metavar='CONFIG',
        help='score by the rules of its test_evaluator, and with its extra_metrics',
    )
    add_cfg_options(parser)
    parser.add_argument('--out', metavar='JSON', help='write all numbers and curves')
    parser.add_argument(
        '--plot',
        type=plot_file,
        metavar='FILE',
        help='draw precision over recall and thresholds; .png, .pdf or .svg',
    )
    parser.add_argument(
        '--eval-num-symmetry',
        type=positive_int,
        metavar='N',
        help='rotations about the up axis that count as equal, in place of those in the file',
    )
    parser.add_argument(
        '--absolute-scale',
        action='store_true',
        help='take predicted lengths as metres instead of recovering the scale from the ground',
    )
    add_force(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Write what was asked for and print the table."""
    from rich.console import Console

    from cpose.apis.config.evaluation_parts import metric_settings
    from cpose.evaluation.dump import evaluate_dump
    from cpose.evaluation.report import build_table, write_metrics_json
    from cpose.files.json_files import check_writable

    for path in filter(None, (args.out, args.plot)):
        check_writable(path)
    settings = metric_settings(args.config, args.cfg_options)
    if args.absolute_scale:
        for rules in ('protocol', 'tao_protocol'):
            settings[rules]['scale_rule'] = {'type': 'AbsoluteScale'}
    report = evaluate_dump(args.file, eval_num_symmetry=args.eval_num_symmetry, **settings)
    if args.out is not None:
        write_metrics_json(args.out, report)
    if args.plot:
        from cpose.evaluation.curve_plot import plot_curves

        plot_curves(report, args.plot)
    Console().print(build_table(report, title=args.file))
    return 0
