"""``cpose quantize``: an INT8 or FP16 file from an fp32 one, with its average precision."""

from argparse import Namespace, _SubParsersAction
from math import isfinite
from typing import Any

from cpose.cli.arguments import non_negative_int
from cpose.cli.model_file_arguments import (
    add_calibration,
    add_onnx_model,
    onnx_file,
    read_calibration,
    refuse_calibration,
)
from cpose.errors import ConfigError

DEFAULT_TARGET = 'ort'
DEFAULT_EVAL_IMAGES = 100


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('quantize', help='make an INT8 or FP16 file of an ONNX file')
    add_onnx_model(parser, 'fp32 file from cpose export-onnx')
    parser.add_argument('--out', required=True, metavar='ONNX', help='file to write')
    parser.add_argument('--precision', choices=('int8', 'fp16'), default='int8')
    parser.add_argument(
        '--target',
        choices=('ort', 'tensorrt'),
        help='INT8 for ONNX Runtime (default) or TensorRT; no one file serves both',
    )
    add_calibration(parser)
    parser.add_argument(
        '--eval-images',
        type=non_negative_int,
        default=DEFAULT_EVAL_IMAGES,
        metavar='N',
        help='compare both files on N test images of the config in the model file; 0 for none; '
        f'default: {DEFAULT_EVAL_IMAGES}',
    )
    parser.add_argument('--force', action='store_true', help='overwrite an existing file')
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Quantise, compare, write, and print the table."""
    from rich.console import Console

    from cpose.apis.export.quantization import quantize_file

    if args.precision != 'int8':
        refuse_calibration(args, args.precision)
        if args.target:
            raise ConfigError(
                f'belongs to INT8, not to {args.precision}',
                argument='target',
                value=args.target,
                advice='Leave it out',
            )
    source, settings = read_calibration(args, args.target or DEFAULT_TARGET)
    with onnx_file(args) as model:
        result = quantize_file(
            model,
            args.out,
            settings if args.precision == 'int8' else None,
            source,
            args.eval_images,
            args.force,
        )
    console = Console()
    if result.quantized is not None:
        for line in describe_quantization(result.quantized):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    if result.before is not None:
        console.print(build_comparison(result, args.precision))
    old, new = (size / 1e6 for size in result.num_bytes)
    line = f'{old:.1f} MB → {new:.1f} MB: {result.path}'
    console.print(line, soft_wrap=True, highlight=False, markup=False)
    return 0


def describe_quantization(quantized: Any) -> list[str]:
    """Return lines about what was quantised."""
    choice = quantized.choice
    lines = [
        f'Ranges {quantized.calibration}',
        f'{quantized.num_quantized} nodes quantised for {quantized.metadata.quantize_target}, '
        f'relative error of the raw maps {choice.error:.4f}',
    ]
    if quantized.named_float:
        lines.append(f'In float as asked: {", ".join(quantized.named_float)}')
    if choice.nodes:
        lines.append(f'In float for the error bound: {", ".join(choice.nodes)}')
    return lines


def build_comparison(result: Any, precision: str) -> Any:
    """Lay out the headline numbers of both files."""
    from rich.markup import escape
    from rich.table import Table

    from cpose.evaluation.metric_spec import list_numbers
    from cpose.evaluation.metric_table import PRIMARY_NUMBER, metrics_of_report

    count = result.before['num_images']
    table = Table(title=f'{count} test images', title_justify='left', header_style='bold')
    table.add_column('metric', no_wrap=True)
    for name in ('fp32', precision, 'change'):
        table.add_column(name, justify='right', no_wrap=True)
    for _, number in list_numbers(metrics_of_report(result.before)):
        if number.is_headline:
            pair = result.before.get(number.key), result.after.get(number.key)
            table.add_row(number.key, *_change(*pair))
    before, after = (report['per_category'] for report in (result.before, result.after))
    if len(before) > 1:
        table.add_section()
        for name in before:
            pair = before[name].get(PRIMARY_NUMBER), after[name].get(PRIMARY_NUMBER)
            table.add_row(f'{PRIMARY_NUMBER}, {escape(name)}', *_change(*pair))
    return table


def _change(old: float | None, new: float | None) -> tuple[str, str, str]:
    if old is None or new is None or not (isfinite(old) and isfinite(new)):
        return '–', '–', '–'
    return f'{old:.4f}', f'{new:.4f}', f'{new - old:+.4f}'
