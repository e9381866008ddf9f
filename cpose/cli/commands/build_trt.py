"""``cpose build-trt``: an engine of TensorRT, or of TensorRT for RTX, from an ONNX file."""

from argparse import ArgumentParser, Namespace, _SubParsersAction
from pathlib import Path

from cpose.cli.arguments import positive_int
from cpose.cli.model_file_arguments import (
    add_calibration,
    add_onnx_model,
    add_triton,
    check_triton,
    onnx_file,
    read_calibration,
    refuse_calibration,
    write_triton,
)
from cpose.cli.option_values import add_flags
from cpose.errors import ConfigError

PRECISIONS = ('fp32', 'fp16', 'int8')
FLAVORS = ('auto', 'tensorrt', 'rtx')


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('build-trt', help='build a TensorRT engine from an ONNX file')
    add_onnx_model(parser, 'file from cpose export-onnx or quantize')
    parser.add_argument(
        '--out', required=True, metavar='ENGINE', help='file to write: .engine, .plan or .trt'
    )
    parser.add_argument(
        '--precision',
        type=str.lower,
        choices=PRECISIONS,
        help='FP16 and INT8 are made of an fp32 file; default: as the file is',
    )
    for name, size in (('min', 1), ('opt', 4), ('max', 8)):
        parser.add_argument(
            f'--{name}-batch',
            type=positive_int,
            metavar='N',
            help=f'default: {size}, or the fixed batch of the file',
        )
    _add_builder(parser)
    add_calibration(parser)
    add_flags(parser, {'compute_capabilities': '--compute-capability'})
    add_triton(parser)
    parser.add_argument('--force', action='store_true', help='overwrite an existing engine')
    parser.set_defaults(func=run)


def _add_builder(parser: ArgumentParser) -> None:
    group = parser.add_argument_group('builder')
    group.add_argument(
        '--flavor', choices=FLAVORS, default='auto', help='package to build with; default: auto'
    )
    group.add_argument(
        '--compute-capability',
        nargs='+',
        default=(),
        metavar='CC',
        help='build for these GPUs (rtx only, needs no GPU here), for example 89',
    )
    group.add_argument(
        '--workspace', type=positive_int, default=1024, metavar='MIB', help='default: 1024'
    )
    group.add_argument(
        '--timing-cache', type=Path, metavar='FILE', help='read and written (tensorrt only)'
    )
    group.add_argument('--verbose', action='store_true', help='show all that the builder says')


def run(args: Namespace) -> int:
    """Build, write, and say what was built."""
    from rich.console import Console

    from cpose.apis.export.engine_building import EngineRequest, build_engine_file
    from cpose.deploy.engines.engine_build import BuildSettings

    if args.precision != 'int8':
        refuse_calibration(args, args.precision or 'an engine of the precision of the file')
    source, quantization = read_calibration(args, 'tensorrt')
    check_triton(args, is_onnx=False)
    batches = (args.min_batch, args.opt_batch, args.max_batch)
    settings = BuildSettings(
        args.workspace, args.timing_cache, args.verbose, tuple(args.compute_capability)
    )
    request = EngineRequest(args.precision, batches, _flavor(args), args.force)
    with onnx_file(args) as model:
        result = build_engine_file(model, args.out, request, settings, source, quantization)
    console = Console()
    if result.preparation:
        console.print(result.preparation, soft_wrap=True, highlight=False, markup=False)
    profile, flavor = result.profile, result.flavor
    console.print(
        f'{flavor.module.__name__} {flavor.version}, {result.metadata.precision}, batches of '
        f'{profile.min} to {profile.max} (best {profile.opt}), {result.num_bytes / 1e6:.1f} MB: '
        f'{result.path}',
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    write_triton(args)
    return 0


def _flavor(args: Namespace) -> str:
    """Return the package to build with; Triton runs engines of TensorRT only.

    Raises:
        ConfigError: If it is another one.
    """
    if args.triton is None:
        return str(args.flavor)
    if args.flavor == 'rtx':
        raise ConfigError(
            'does not go with Triton, which does not run engines of TensorRT for RTX',
            argument='flavor',
            value=args.flavor,
            advice=('Use {flavor} tensorrt', 'Give Triton the ONNX file'),
        )
    return 'tensorrt'
