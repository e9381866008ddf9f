"""Arguments of the commands that write model files: calibration of INT8, and Triton."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cpose.cli.arguments import positive_float, positive_int
from cpose.cli.option_values import add_flags
from cpose.cli.zoo_arguments import CARRIED, add_model, is_model_named
from cpose.errors import ConfigError

DEFAULT_BOUND = 0.1
FLAGS = {
    'batch_size': '--calib-batch-size',
    'cache': '--calib-cache',
    'folders': '--data',
    'num_batches': '--calib-batches',
}
"""Options by the arguments of the functions that calibrate."""
OPTIONS = ('data', 'calib_batch_size', 'calib_batches', 'calib_cache', 'keep_float', 'auto_float')


def add_onnx_model(parser: ArgumentParser, what: str) -> None:
    """Add the ONNX file to work on, or ``--model`` in its place."""
    if not is_model_named(parser):
        parser.add_argument('model', metavar='ONNX', help=what)
    add_model(parser, 'model', 'in the place of ONNX, exported first if it has weights')
    parser.set_defaults(config=CARRIED)


@contextmanager
def onnx_file(args: Namespace) -> Iterator[str]:
    """Yield the ONNX file to work on: ONNX, that of ``--model``, or one exported from its weights.

    Raises:
        UserError: If the weights cannot be exported.
    """
    if args.zoo_model is None or Path(args.model).suffix.lower() == '.onnx':
        yield args.model
        return
    from cpose.apis.builder import resolve_config
    from cpose.apis.export.model_export import export_model
    from cpose.apis.inference.inference_parts import choose_input_wh
    from cpose.deploy.onnx.export import ExportSettings
    from cpose.files.encrypted_file import scratch_folder

    config = resolve_config(args.config, args.model, args.allow_custom_imports)
    with scratch_folder() as folder:
        path = Path(folder) / f'{Path(args.model).stem}.onnx'
        export_model(config, args.model, path, ExportSettings(choose_input_wh(config, None)))
        yield str(path)


def add_calibration(parser: ArgumentParser) -> None:
    """Add calibration images and what stays in float."""
    add_flags(parser, FLAGS)
    group = parser.add_argument_group('INT8')
    group.add_argument(
        '--data',
        nargs='+',
        metavar='DIR',
        help='folders of calibration images, with or without annotations; default: the training '
        'data of the config in the model file',
    )
    group.add_argument('--calib-batch-size', type=positive_int, metavar='N', help='default: 8')
    group.add_argument(
        '--calib-batches', type=positive_int, metavar='N', help='default: up to 128 images in all'
    )
    group.add_argument(
        '--calib-cache',
        type=Path,
        metavar='FILE',
        help='keep measured ranges here; used again while model, images and method are the same',
    )
    group.add_argument(
        '--keep-float', nargs='+', metavar='NODE', help='nodes to leave in float; * is allowed'
    )
    group.add_argument(
        '--auto-float',
        nargs='?',
        type=positive_float,
        const=DEFAULT_BOUND,
        metavar='ERROR',
        help='leave the most sensitive nodes in float until the relative error of the raw maps is '
        f'at most this; without a number {DEFAULT_BOUND}',
    )
    parser.add_argument(
        '--allow-custom-imports',
        action='store_true',
        help='let the config of the model file import other packages than cpose',
    )


def refuse_calibration(args: Namespace, precision: str) -> None:
    """Refuse options of INT8 for another precision.

    Raises:
        ConfigError: If one is given.
    """
    given = [name for name in OPTIONS if getattr(args, name) is not None]
    if given:
        raise ConfigError(
            f'is only for INT8, nothing is calibrated for {precision}',
            argument=given[0],
            value=getattr(args, given[0]),
            advice='Leave it out',
        )


def read_calibration(args: Namespace, target: str) -> tuple[Any, Any]:
    """Return `CalibrationSource` and `QuantizationSettings`."""
    from cpose.apis.export.quantization import CalibrationSource
    from cpose.deploy.quantization.quantize import QuantizationSettings

    source = CalibrationSource(
        tuple(args.data or ()),
        args.calib_batch_size,
        args.calib_batches,
        args.allow_custom_imports,
    )
    settings = QuantizationSettings(
        target, tuple(args.keep_float or ()), args.auto_float, args.calib_cache
    )
    return source, settings


def add_triton(parser: ArgumentParser) -> None:
    """Add the folder of the model repository."""
    parser.add_argument('--triton', metavar='DIR', help='write a Triton model repository too')


def check_triton(args: Namespace, is_onnx: bool) -> None:
    """Check before long work that the repository of ``--triton`` can be written, if it is given.

    Raises:
        UserError: If it cannot.
    """
    from cpose.deploy.triton_repository import check_triton_files

    if args.triton:
        check_triton_files(args.triton, Path(args.out).stem, is_onnx, args.force)


def write_triton(args: Namespace) -> None:
    """Write the repository of ``--triton``, if it is given, from the file of ``--out``.

    Raises:
        UserError: If it cannot be written.
    """
    from cpose.deploy.triton_repository import write_triton_repository

    if args.triton:
        name = Path(args.out).stem
        folder = write_triton_repository(args.out, args.triton, name, args.force)
        sys.stdout.write(f'Triton model repository: {folder}\n')
