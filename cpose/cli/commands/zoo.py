"""``cpose zoo``: list the models that ``--model`` takes, show one, share one."""

import json
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cpose.cli.option_values import add_flags
from cpose.errors import ConfigError

if TYPE_CHECKING:
    from cpose.apis.metafile import ZooModel

NUMBERS = ('MB', 'ms', 'AP')
"""Columns of numbers."""
TEXTS = ('category', 'licence', 'weights')
"""Columns whose cells may take several lines."""


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('zoo', help='list the models for --model, show or share one')
    parser.add_argument('name', nargs='?', metavar='NAME', help='show all that is known of it')
    parser.add_argument('--all', action='store_true', help='list configs without weights too')
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument('--json', action='store_true', help='print JSON')
    ways.add_argument(
        '--fetch', action='store_true', help='download NAME if need be, and print its file'
    )
    _add_push(parser, ways)
    add_flags(parser, {'model': 'NAME', 'license_name': '--license', 'repository': '--push'})
    parser.set_defaults(func=run)


def _add_push(parser: ArgumentParser, ways: Any) -> None:
    ways.add_argument(
        '--push',
        metavar='OWNER/NAME',
        help='upload NAME, also a .safetensors file of your own, to the Hugging Face Hub',
    )
    parser.add_argument('--private', action='store_true', help='make a private repository')
    parser.add_argument('--license', default='', metavar='NAME', help='licence of your own file')


def run(args: Namespace) -> int:
    """Print what is asked for."""
    from cpose.apis.zoo import find_model, list_models, with_weights

    for option in ('fetch', 'push'):
        if getattr(args, option) and args.name is None:
            raise ConfigError('needs the NAME of a model', argument=option)
    if args.fetch:
        from cpose.apis.zoo_files import resolve_model

        sys.stdout.write(f'{resolve_model(args.name).path}\n')
    elif args.push:
        from cpose.apis.zoo_files import push_model

        address = push_model(args.name, args.push, args.private, args.license)
        sys.stdout.write(f'{address}\nUse it: cpose infer --model hf:{args.push} PHOTO\n')
    elif args.name:
        _show(find_model(args.name), args.json)
    else:
        models = list_models()
        known = models if args.all else with_weights(models)
        _list(known, len(models) - len(known), args.json)
    return 0


def _list(models: 'Sequence[ZooModel]', left_out: int, as_json: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from cpose.apis.zoo import TABLE_HEADER, table_row

    if as_json:
        _print_json([model.to_dict() for model in models])
        return
    table = Table(header_style='bold', box=SIMPLE_HEAD, padding=0, show_edge=False, pad_edge=False)
    for title in TABLE_HEADER:
        side: Any = 'right' if title in NUMBERS else 'left'
        table.add_column(title, justify=side, overflow='fold', no_wrap=title not in TEXTS)
    for model in models:
        table.add_row(*table_row(model))
    console = Console(highlight=False, markup=False)
    console.print(table)
    if left_out:
        console.print(f'{left_out} configs without weights: cpose zoo --all', soft_wrap=True)


def _show(model: 'ZooModel', as_json: bool) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    from cpose.apis.zoo import model_card

    console = Console()
    if as_json:
        _print_json(model.to_dict())
    elif console.is_terminal:
        console.print(Markdown(model_card(model)))
    else:
        sys.stdout.write(model_card(model))


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + '\n')
