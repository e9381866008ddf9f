"""``--model``: one option that stands for config and weights, in every command.

Operands are not optional in argparse, so a command that sees ``--model`` is built without them.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from cpose.cli.option_values import add_flags
from cpose.files.weight_files import find_weights, is_location

CARRIED = '-'
"""In place of CONFIG: the one that the checkpoint carries."""
MODEL_OPTION = '--model'


class CommandParser(ArgumentParser):
    """A parser that knows the command line before its arguments are added.

    Operands and options may stand in any order: argparse alone takes all operands of one kind from
    one place.

    Attributes:
        words: The command line.
    """

    def __init__(self, *args: Any, words: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.words = words
        self._is_mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse options first, then operands from what is left; not of commands with commands."""
        if self._is_mixing or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._is_mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_mixing = False


def add_model(parser: ArgumentParser, fills: str, what: str) -> None:
    """Add ``--model``.

    Args:
        parser: Of the command.
        fills: Argument that gets the path of the file, see `place_model`.
        what: What the model is for.
    """
    parser.add_argument(
        MODEL_OPTION,
        dest='zoo_model',
        metavar='NAME',
        help=f'{what}: a model that `cpose zoo` lists, hf:OWNER/NAME, https://… or a file that '
        'carries its config',
    )
    parser.set_defaults(fills=fills)
    if is_model_named(parser):
        parser.set_defaults(**{fills: None})
        add_flags(parser, {'model': MODEL_OPTION, fills: MODEL_OPTION})


def is_model_named(parser: ArgumentParser) -> bool:
    """Whether the command line has ``--model``, in whose place there are no operands."""
    probe = ArgumentParser(add_help=False)
    probe.add_argument(MODEL_OPTION, nargs='?', const='')
    known, _ = probe.parse_known_args(list(getattr(parser, 'words', ())))
    return known.model is not None


def place_model(args: Namespace) -> None:
    """Give a command the file of ``--model``, or of the location that stands for CHECKPOINT.

    Raises:
        UserError: If there is no such model, or its file cannot be had.
    """
    given = getattr(args, 'checkpoint', None)
    if getattr(args, 'zoo_model', None) is not None:
        from cpose.apis.zoo_files import resolve_model  # its import takes longer than the help

        found = resolve_model(args.zoo_model)
        setattr(args, args.fills, str(found.path))
        is_open = getattr(args, 'config', '') in (CARRIED, None)
        if found.config and is_open and not getattr(args, 'category', None):
            args.config = found.config
    elif is_location(given):
        args.checkpoint = str(find_weights(str(given)))
