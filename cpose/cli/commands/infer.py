"""``cpose infer``: poses, pictures and result files of images, folders and videos."""

import sys
import time
from argparse import ArgumentParser, BooleanOptionalAction, Namespace, _SubParsersAction
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from cpose.cli.arguments import (
    add_camera,
    add_config_and_checkpoint,
    add_device,
    add_force,
    add_scales,
    camera_numbers,
    non_negative_float,
    positive_float,
    positive_int,
    probability,
    read_config,
)
from cpose.cli.scale_arguments import add_scale_source, scale_source
from cpose.errors import ConfigError

if TYPE_CHECKING:  # its import takes longer than the help of a command
    from cpose.apis.inference.folder_inference import InferenceSummary

SMOOTHING_LAG = 30
"""Frames: later ones hardly change a pose."""


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('infer', help='find poses in images, folders and videos')
    add_config_and_checkpoint(parser)
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='image, video, folder (with its sub-folders), glob, webcam:0 or address of a stream',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('results'),
        help='folder for json/ and vis/; default: results',
    )
    camera = add_camera(parser, 'the annotation beside each image, or a guess')
    camera.add_argument('--no-pnp', action='store_true', help='no 6-DoF poses, 2D corners only')
    _add_output(parser)
    parser.add_argument(
        '--score-thr',
        type=probability,
        help='smallest score of an object; default: infer_score_thr of the config, 0.3',
    )
    parser.add_argument('--batch-size', type=positive_int, default=1)
    add_scales(parser)
    add_scale_source(parser)
    parser.add_argument(
        '--track',
        action='store_true',
        help='follow objects over the frames of a video: numbers, smooth poses, trails; the '
        'tracker of the config, else PoseTracker',
    )
    parser.add_argument(
        '--fps',
        type=positive_float,
        default=30.0,
        help='with --track: frames per second of numbered images in a folder, which are then the '
        'frames of a video; the default is 30',
    )
    parser.add_argument(
        '--smooth',
        type=positive_int,
        nargs='?',
        const=SMOOTHING_LAG,
        default=0,
        metavar='FRAMES',
        help='with --track: smooth poses by later frames too, which come so many frames late; '
        f'{SMOOTHING_LAG} without a number',
    )
    add_device(parser)
    parser.set_defaults(func=run)


def _add_output(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--frame',
        choices=('opencv', 'objectron'),
        default='opencv',
        help='camera frame of 3D values in the JSON files',
    )
    add_force(parser)
    parser.add_argument('--save-json', action=BooleanOptionalAction, default=True)
    parser.add_argument('--save-vis', action=BooleanOptionalAction, default=True)
    parser.add_argument(
        '--axis-length',
        type=non_negative_float,
        help='drawn length of the axes, object heights; default: as the config says, else 0.5',
    )
    parser.add_argument(
        '--skip-unreadable',
        action='store_true',
        help='exit with 0 although images could not be read; they are left out in any case',
    )


def run(args: Namespace) -> int:
    """Infer and write; exit code 2 if an image could not be used."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from cpose.apis.inference.folder_inference import infer_to_folder
    from cpose.apis.inference.image_sources import count_images
    from cpose.apis.inference.inference_parts import find_metainfo
    from cpose.apis.inference.result_writer import ResultWriter, prepare_output
    from cpose.apis.tracks.track_file import tracker_settings

    source = scale_source(args)
    total = count_images(args.inputs)
    camera = args.camera_file or camera_numbers(args.camera)
    prepare_output(args.out)
    inferencer = _build(args, source)
    drawer = _drawer(args, inferencer) if args.save_vis else None
    writer = ResultWriter(args.out, args.frame, inferencer.categories, drawer, args.save_json)
    writer.dataset_meta = find_metainfo(inferencer.cfg)
    writer.tracker = tracker_settings(inferencer.cfg.get('tracker'))
    start = time.perf_counter()
    columns = ('[progress.description]{task.description}', BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task('infer', total=total)
        summary = infer_to_folder(
            inferencer,
            args.inputs,
            writer,
            camera,
            args.batch_size,
            args.score_thr,
            use_pnp=not args.no_pnp,
            on_image=lambda: progress.advance(task),
            fps=args.fps if args.track else None,
        )
    _report(summary, f'{time.perf_counter() - start:.1f} s: {args.out}')
    return 2 if summary.skipped and not args.skip_unreadable else 0


def _report(summary: 'InferenceSummary', end: str) -> None:
    for message in summary.skipped:
        sys.stderr.write(f'cpose infer: left out: {message}\n')
    sys.stdout.write(
        f'{summary.images} images, {summary.objects} objects, {summary.poses} with pose, '
        f'{len(summary.skipped)} left out, {end}\n'
    )
    if summary.latencies:
        typical, longest = median(summary.latencies), max(summary.latencies)
        sys.stdout.write(
            f'latency of the camera: median {1000 * typical:.0f} ms, longest {1000 * longest:.0f} '
            'ms\n'
        )
    if len(summary.categories) > 1:
        for name, (objects, poses) in summary.categories.items():
            sys.stdout.write(f'  {name}: {objects} objects, {poses} with pose\n')


def _build(args: Namespace, source: dict[str, Any] | None) -> Any:
    from cpose.apis.builder import choose_device
    from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
    from cpose.apis.runtime_files import is_runtime_file

    device = choose_device(args.device) if args.device else None
    config = read_config(args)
    if source is not None:
        config.scale_source = source
    if args.track:
        config.tracker = config.get('tracker') or {'type': 'PoseTracker'}
    if args.smooth:
        _set_lag(config, args.smooth)
    inferencer = CenterPoseInferencer(config, args.checkpoint, device, scales=args.scales)
    if is_runtime_file(args.checkpoint):
        sys.stdout.write(f'{inferencer.runtime.describe()}\n')
    return inferencer


def _set_lag(config: Any, lag: int) -> None:
    """Let the tracker wait for later frames.

    Raises:
        ConfigError: If there is no tracker.
    """
    if config.get('tracker') is None:
        raise ConfigError(
            'smooths what a tracker follows', argument='smooth', value=lag, advice='Add {track}'
        )
    config.tracker.lag = lag


def _drawer(args: Namespace, inferencer: Any) -> Any:
    """Return what draws by the visualizer of the config, with the options of the command."""
    from cpose.apis.inference.inference_parts import find_drawer

    drawer = find_drawer(inferencer.visualizer, inferencer.categories)
    return drawer if args.axis_length is None else replace(drawer, axis_length=args.axis_length)
