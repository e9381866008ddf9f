"""``cpose export-onnx``: one ONNX file of network and decoder, compared with PyTorch."""

from argparse import ArgumentParser, Namespace, _SubParsersAction
from typing import Any

from cpose.cli.arguments import WEIGHTS_FILE, add_config_and_checkpoint, read_config
from cpose.cli.model_file_arguments import add_triton, check_triton, write_triton
from cpose.cli.option_values import add_flags
from cpose.errors import ConfigError

PRESETS = {'isaac-ros': {'batch': 1, 'height': 512, 'width': 512, 'bake_preprocessing': True}}
DEFAULT_OPSET = 18


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('export-onnx', help='write a model as an ONNX file')
    add_config_and_checkpoint(parser, WEIGHTS_FILE)
    parser.add_argument('--out', required=True, metavar='ONNX', help='file to write')
    parser.add_argument(
        '--opset',
        type=int,
        default=DEFAULT_OPSET,
        help='version of the operators: 16 and 17 through the older exporter of PyTorch, 18 '
        '(default) to 21 through torch.export',
    )
    _add_shape(parser)
    parser.add_argument('--simplify', action='store_true', help='rewrite the graph with onnxslim')
    parser.add_argument(
        '--half', action='store_true', help='FP16 inside; input, outputs and decoder stay FP32'
    )
    parser.add_argument(
        '--images',
        nargs='+',
        metavar='PATH',
        help='pictures to compare on, the first 16; default: some of the test data of the config '
        'if they can be read, else synthetic ones',
    )
    add_triton(parser)
    parser.add_argument('--force', action='store_true', help='overwrite existing files')
    add_flags(parser, {'input_wh': '--width and --height'})
    parser.set_defaults(func=run)


def _add_shape(parser: ArgumentParser) -> None:
    parser.add_argument('--height', type=int, help="of the input; default: the config's, 512")
    parser.add_argument('--width', type=int, help="of the input; default: the config's, 512")
    parser.add_argument('--batch', type=int, metavar='N', help='fixed batch; default: any')
    parser.add_argument(
        '--bake-preprocessing',
        action='store_true',
        default=None,
        help='take RGB of 0 to 1; normalisation and channel order are done in the graph',
    )
    parser.add_argument(
        '--preset',
        choices=sorted(PRESETS),
        help='isaac-ros: batch 1, 512×512, preprocessing baked in',
    )


def run(args: Namespace) -> int:
    """Export, compare, write, and print the differences."""
    from cpose.apis.export.model_export import export_model
    from cpose.apis.inference.inference_parts import choose_input_wh
    from cpose.deploy.onnx.export import ExportSettings

    _apply_preset(args)
    check_triton(args, is_onnx=True)
    config = read_config(args)
    default_wh = choose_input_wh(config, None)
    settings = ExportSettings(
        input_wh=(
            default_wh[0] if args.width is None else args.width,
            default_wh[1] if args.height is None else args.height,
        ),
        opset=args.opset,
        batch=args.batch,
        simplify=args.simplify,
        half=args.half,
        is_baked=bool(args.bake_preprocessing),
    )
    result = export_model(config, args.checkpoint, args.out, settings, args.images, args.force)
    _show(result, settings)
    write_triton(args)
    return 0


def _apply_preset(args: Namespace) -> None:
    for name, value in PRESETS.get(args.preset, {}).items():
        given = getattr(args, name)
        if given is not None and given != value:
            raise ConfigError(
                f'is given, but the preset {args.preset} means {value}',
                argument=name,
                value=given,
                advice='Leave out {preset} or this option',
            )
        setattr(args, name, value)


def _show(result: Any, settings: Any) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f'ONNX Runtime against PyTorch on {escape(result.pictures)}')
    table.add_column('part')
    table.add_column('name', no_wrap=True)
    for column in ('compared', 'largest difference', 'allowed'):
        table.add_column(column, justify='right')
    part = None
    for line in result.lines:
        if part not in (None, line.part):
            table.add_section()
        shown = '' if part == line.part else line.part
        part = line.part
        unit = f' {line.unit}'.rstrip()
        table.add_row(
            shown, line.name, str(line.count), f'{line.largest:.2g}{unit}', f'{line.bound:g}{unit}'
        )
    console = Console()
    console.print(table)
    batch = settings.batch or 'any'
    width, height = settings.input_wh
    console.print(
        f'{result.path}: {result.num_bytes / 1e6:.1f} MB, {result.num_nodes} operators, opset '
        f'{settings.opset}, {settings.precision}, batch {batch}, {width}×{height}; exported in '
        f'{result.export_seconds:.1f} s, compared in {result.verify_seconds:.1f} s',
        soft_wrap=True,
        markup=False,
    )
