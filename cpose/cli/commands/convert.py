"""``cpose convert``: turn a published checkpoint into one of this project."""

from argparse import Namespace, _SubParsersAction
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from cpose.cli.arguments import WEIGHTS_FILE, add_cfg_options, add_checkpoint

if TYPE_CHECKING:
    from cpose.apis.conversion import Conversion


BRANCH_PREFIX = 'head.branches.outputs.'
ASSOCIATION_PREFIX = 'head.branches.association.'
READABLE = ((r'\.', '.'), (r'\d+', '*'), ('.+', '*'), ('(?:', '('))
"""Pieces of a regular expression and what a reader takes for them."""


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'convert',
        help='turn weights of TAO, NVlabs/CenterPose, timm or FAN into a cpose checkpoint',
    )
    add_checkpoint(parser, WEIGHTS_FILE)
    parser.add_argument(
        '--out', type=Path, required=True, help='checkpoint to write: .pth or .safetensors'
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        '--category', metavar='NAME', help='carry the shipped config of this category, e.g. bike'
    )
    group.add_argument(
        '--config',
        metavar='CONFIG',
        help='carry this config; for a backbone: check against its model.backbone',
    )
    add_cfg_options(parser)
    parser.add_argument('--half', action='store_true', help='weights as FP16, half the size')
    parser.add_argument('--force', action='store_true', help='replace an existing file')
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Convert and say what went where."""
    from cpose.apis.conversion import convert_checkpoint
    from cpose.apis.conversion_config import ConfigChoice

    choice = ConfigChoice(args.category, args.config, args.cfg_options, args.allow_custom_imports)
    done = convert_checkpoint(
        args.checkpoint, args.out, choice, args.tensors_only, args.force, args.half
    )
    _show(done, args.checkpoint, args.out, Console(highlight=False, markup=False))
    return 0


def _show(done: 'Conversion', checkpoint: str, out: Path, console: Console) -> None:
    described = done.architecture.describe()
    console.print(f'{checkpoint}: {done.title} ({done.family}), {described}', soft_wrap=True)
    console.print(_parts_table(done.weights))
    if done.dropped:
        console.print(_dropped_table(done))
    left_out = sum(len(item.keys) for item in done.dropped)
    console.print(
        f'{done.num_tensors} tensors in the file, {left_out} left out, '
        f'{len(done.weights)} written{_joined(done, left_out)}.',
        soft_wrap=True,
    )
    if done.other_entries:
        console.print(f'Not weights, left out: {", ".join(done.other_entries)}', soft_wrap=True)
    console.print(f'Written: {out}. {_next_step(done, out)}', soft_wrap=True)


def _parts_table(weights: Mapping[str, Any]) -> Table:
    tensors: dict[str, int] = {}
    values: dict[str, int] = {}
    for name, tensor in weights.items():
        part = _part_of(name)
        tensors[part] = tensors.get(part, 0) + 1
        values[part] = values.get(part, 0) + tensor.numel()
    rows = [(part, f'{tensors[part]}', f'{values[part]:,}') for part in tensors]
    total = ('all', f'{sum(tensors.values())}', f'{sum(values.values()):,}')
    return _table(('part of the model', 'tensors', 'values'), [*rows, total])


def _dropped_table(done: 'Conversion') -> Table:
    rows = [(_readable(item.pattern), f'{len(item.keys)}', item.reason) for item in done.dropped]
    return _table(('left out', 'tensors', 'why'), rows)


def _table(columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(header_style='bold')
    for name in columns:
        justify: Any = 'right' if name in ('tensors', 'values') else 'left'
        table.add_column(name, justify=justify, overflow='fold')
    for row in rows:
        table.add_row(*row)
    return table


def _part_of(name: str) -> str:
    if name.startswith(ASSOCIATION_PREFIX):
        return 'feature association'
    if name.startswith(BRANCH_PREFIX):
        return f'branch {name.removeprefix(BRANCH_PREFIX).partition(".")[0]}'
    return name.partition('.')[0]


def _readable(pattern: str) -> str:
    for piece, text in READABLE:
        pattern = pattern.replace(piece, text)
    return pattern


def _joined(done: 'Conversion', left_out: int) -> str:
    """Explain that fewer tensors are written than taken."""
    fewer = done.num_tensors - left_out - len(done.weights)
    return ' (the gates of the recurrent unit are one tensor each here)' if fewer > 0 else ''


def _next_step(done: 'Conversion', out: Path) -> str:
    if done.is_backbone:
        return f'Use it with --cfg-options model.backbone.pretrained_path={out}'
    if not done.config_name:
        return (
            'It carries no config, so commands need CONFIG; convert with --category NAME or '
            '--config CONFIG to put one in.'
        )
    return f'It carries the config {done.config_name}: cpose infer --model {out} IMAGE'
