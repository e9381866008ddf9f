"""``cpose tao automl``: search hyper-parameters."""

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from cpose.cli.arguments import add_spec
from cpose.errors import import_extra


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser: ArgumentParser = commands.add_parser('automl', help='search hyper-parameters')
    what = 'YAML file for training, with a section automl for other than default settings'
    add_spec(parser, what, 'automl.max_recommendations=30')
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Search, print the trials and say where the best spec is."""
    import_extra('pydantic', 'tao')
    from rich.console import Console

    from cpose.tao.automl.report import BEST_SPEC, PLOT
    from cpose.tao.tasks.automl import run_automl

    result = run_automl(args.spec, args.overrides, sys.stdout.write)
    Console().print(result.table)
    if result.best_values is None:
        sys.stdout.write('No trial was completed, so there is no best spec.\n')
    else:
        values = ', '.join(f'{name}={value}' for name, value in result.best_values.items())
        sys.stdout.write(f'Best: {values}: {result.folder / BEST_SPEC}\n')
    sys.stdout.write(f'Picture: {result.folder / PLOT}\nExecution status: PASS\n')
    return 0
