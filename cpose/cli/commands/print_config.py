"""``cpose print-config``: show the result of the inheritance."""

from argparse import Namespace, _SubParsersAction

from rich.console import Console
from rich.syntax import Syntax

from cpose.cli.arguments import add_config


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('print-config', help='show a config with all it inherits')
    add_config(parser)
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Print the config as Python text."""
    from cpose.apis.config.load import load_config

    text = load_config(args.config, args.cfg_options).pretty_text
    console = Console()
    if console.is_terminal:
        console.print(Syntax(text, 'python', background_color='default'))
    else:
        console.file.write(text)
    return 0
