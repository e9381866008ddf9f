"""What the arguments of functions are called on the command line."""

from argparse import ArgumentParser, Namespace, _SubParsersAction

from cpose.error_places import FlagPlace
from cpose.errors import UserError


def command_flags(parser: ArgumentParser, args: Namespace) -> dict[str, str]:
    """Return options and operands of the command that runs, by argument.

    An option is found by the name under which argparse stores it; a command whose functions call it
    otherwise says so with ``parser.set_defaults(flags={argument: option})``.

    Args:
        parser: Parser of all commands.
        args: What it parsed.
    """
    names: dict[str, str] = {}
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            return command_flags(action.choices[getattr(args, action.dest)], args)
        operand = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        names[action.dest] = max(action.option_strings, key=len, default=operand)
    if 'cfg_options' in names:
        names['options'] = names['cfg_options']
    return {**names, **getattr(args, 'flags', {})}


def tell_flags(error: UserError, flags: dict[str, str]) -> None:
    """Let an error speak of options: of its argument, unless it has a place, and in its advice."""
    if error.names is None:
        error.names = flags
    if error.place is None and error.argument in flags:
        error.place = FlagPlace(flags[error.argument])
