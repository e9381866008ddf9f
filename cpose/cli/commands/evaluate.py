"""``cpose evaluate``: score a file of predictions or tracks, without a model."""

from argparse import Namespace, _SubParsersAction
from typing import Any

from cpose.cli.arguments import add_cfg_options, add_force, plot_file, positive_int


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'evaluate', help='score predictions of test --dump, or tracks of infer --track'
    )
    parser.add_argument(
        'file', metavar='FILE', help='JSON written with test --dump, or by infer --track'
    )
    parser.add_argument(
        '--data', metavar='DIR', help='annotated frames of the video whose tracks FILE has'
    )
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

    from cpose.evaluation.report import build_table, build_track_table, write_metrics_json
    from cpose.evaluation.tracks.track_metric import SINGLE_FRAMES
    from cpose.files.json_files import check_writable

    for path in filter(None, (args.out, args.plot)):
        check_writable(path)
    report = _evaluate(args)
    if args.out is not None:
        write_metrics_json(args.out, report)
    if args.plot:
        from cpose.evaluation.curve_plot import plot_curves

        plot_curves(report, args.plot)
    console = Console()
    console.print(build_table(report, title=args.file))
    if SINGLE_FRAMES in report:
        console.print(build_track_table(report))
    return 0


def _evaluate(args: Namespace) -> dict[str, Any]:
    """Return the report of predictions or tracks, whichever the file holds.

    Raises:
        ConfigError: If data are given for predictions, which have their own, or none for tracks.
    """
    from cpose.apis.config.evaluation_parts import metric_settings
    from cpose.apis.track_evaluation import evaluate_tracks
    from cpose.errors import ConfigError
    from cpose.evaluation.dump import evaluate_dump
    from cpose.evaluation.tracks.track_file import is_track_file
    from cpose.files.text_files import read_json

    rule = {'type': 'AbsoluteScale'} if args.absolute_scale else None
    symmetry = args.eval_num_symmetry
    has_tracks = is_track_file(read_json(args.file))
    if has_tracks != (args.data is not None):
        problem = 'has tracks, and no annotations' if has_tracks else 'has its own annotations'
        advice = 'Name the annotated frames with {data}' if has_tracks else 'Leave out {data}'
        raise ConfigError(problem, argument='file', value=args.file, advice=advice)
    if has_tracks:
        return evaluate_tracks(args.file, args.data, args.config, args.cfg_options, symmetry, rule)
    settings = metric_settings(args.config, args.cfg_options)
    if rule:
        for rules in ('protocol', 'tao_protocol'):
            settings[rules]['scale_rule'] = rule
    return evaluate_dump(args.file, eval_num_symmetry=symmetry, **settings)
