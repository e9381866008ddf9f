"""The ``cpose`` command: parse, run, and turn errors of the user into a message and code 2."""

import os
import sys
import time
import traceback
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from cpose import __version__
from cpose.cli.command_process import (
    describe_crash,
    keep_freed_memory,
    lasting_output,
    lost_output,
    plain_warnings,
)
from cpose.cli.option_values import command_flags, note_words, tell_flags
from cpose.cli.zoo_arguments import CommandParser, place_model
from cpose.errors import ConfigError, TrainingInterruptedError, UserError, plain_message
from cpose.files.encryption_key import forget_keys, hide_key
from cpose.files.outputs import outputs_guarded
from cpose.files.text_files import undecoded_name
from cpose.optional_packages import missing_package

GROUP = 'cpose.commands'

COMMANDS = (
    'train',
    'test',
    'infer',
    'evaluate',
    'track',
    'zoo',
    'convert',
    'data.synth',
    'data.check_data',
    'data.annotate',
    'data.split',
    'data.browse',
    'data.make_board',
    'data.calibrate',
    'data.adapt',
    'quickstart',
    'export_onnx',
    'quantize',
    'build_trt',
    'print_config',
    'tao',
)
WORDS = {command.rpartition('.')[2].replace('_', '-'): command for command in COMMANDS}
"""The module of each command, by the word that is typed."""
DEBUG = '--debug'
SPIN_COUNT = '10000'
"""How often an OpenMP thread looks for work before it sleeps, about a tenth of a millisecond.
By default it looks for long, and takes the cores from the data workers: with three busy processes
on two cores a training step was fourteen times slower. A thread that sleeps at once
(``OMP_WAIT_POLICY=PASSIVE``) made a step as slow as with one thread. Read by libgomp when torch is
imported, therefore set here, before any command imports it."""
FIRST_PROCESS_SECONDS = 5.0
"""Longest time between the same error in two processes that were started together."""


def build_parser(words: Sequence[str] = ()) -> ArgumentParser:
    """Assemble the parser.

    Args:
        words: The command line. Only the command that it names is imported; all are if it names
            none, for the help.

    Raises:
        ConfigError: If it names a command of another package that cannot be imported.
    """
    parser = ArgumentParser(prog='cpose', description='Category-level 6-DoF object pose.')
    parser.add_argument('--version', action='version', version=f'cpose {__version__}')
    parser.add_argument(
        DEBUG, action='store_true', help='show the traceback of an error; may stand anywhere'
    )
    parser_class: Any = partial(CommandParser, words=tuple(words))
    subparsers = parser.add_subparsers(
        dest='command', required=True, metavar='COMMAND', parser_class=parser_class
    )
    wanted = next((word for word in words if not word.startswith('-')), None)
    own = WORDS.get(wanted or '')
    if wanted is not None and own is None:
        add_plugin(subparsers, wanted)
    if wanted not in subparsers.choices:
        for command in [own] if own else COMMANDS:
            import_module(f'cpose.cli.commands.{command}').add_parser(subparsers)
        if own is None:
            list_plugins(subparsers, set(subparsers.choices))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 success, 1 failed run, 2 error of the user."""
    if 'OMP_WAIT_POLICY' not in os.environ:
        os.environ.setdefault('GOMP_SPINCOUNT', SPIN_COUNT)
    keep_freed_memory()
    words = list(sys.argv[1:] if argv is None else argv)
    is_debugged = DEBUG in words
    words = [word for word in words if word != DEBUG]
    flags: dict[str, str] = {}
    forget_keys()
    with lasting_output() as (out, err), plain_warnings(flags):
        code = _run(words, is_debugged, flags)
        out.flush()
        lost = lost_output(out)
        if lost:
            err.write(f'cpose: not all output could be printed: {lost}\n')
    return max(code, 1) if lost else code


def _run(words: list[str], is_debugged: bool, flags: dict[str, str]) -> int:
    """Parse and run a command, and turn what it raises into a message and an exit code.

    Args:
        words: The command line.
        is_debugged: Whether to print tracebacks.
        flags: Filled with the options of the command, by the arguments that they give.
    """
    command = next((word for word in words if not word.startswith('-')), '')
    launcher = 'none'
    try:
        parser = build_parser(words)
        args = parser.parse_args(words)
        flags.update(command_flags(parser, args))
        launcher = getattr(args, 'launcher', launcher)
        place_model(args)
        with outputs_guarded(getattr(args, 'force', False)):
            if command in WORDS:
                note_words(args)
            return int(args.func(args) or 0)
    except (UserError, PermissionError) as error:
        return _refuse(error, is_debugged, launcher, command, flags)
    except TrainingInterruptedError as stop:
        sys.stderr.write(f'{stop}\nThe same command continues.\n')
        return stop.exit_code
    except KeyboardInterrupt:
        return _interrupted(command)
    except Exception as error:  # noqa: BLE001  the last line: every command ends with a message
        if _is_of_interrupt(error):
            return _interrupted(command)
        known = _known(error)
        if known is not None:
            return _refuse(known, is_debugged, launcher, command, flags)
        _show(error, is_debugged, launcher)
        sys.stderr.write(describe_crash(error, command, words))
        return 1


def _interrupted(command: str) -> int:
    sys.stderr.write(f'cpose {command}: interrupted\n')
    return 130


def _is_of_interrupt(error: BaseException | None) -> bool:
    """Whether an error came up while Ctrl-C was handled, as libraries make one of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _known(error: Exception) -> UserError | None:
    """Return the error of the user that is behind one of a library, None for any other."""
    if isinstance(error, ImportError):
        return missing_package(error)
    return undecoded_name(error) if isinstance(error, UnicodeEncodeError) else None


def _refuse(
    error: UserError | PermissionError,
    is_debugged: bool,
    launcher: str,
    command: str,
    flags: dict[str, str],
) -> int:
    """Print an error of the user and return its exit code."""
    _show(error, is_debugged, launcher)
    sys.stderr.write(hide_key(f'cpose {command}: {_describe(error, flags)}\n'))
    return 2


def _show(error: Exception, is_debugged: bool, launcher: str) -> None:
    """Print the traceback if it is wanted; with several processes let the first one speak."""
    if is_debugged:
        sys.stderr.write(hide_key(''.join(traceback.format_exception(error))))
    if launcher != 'none':
        _let_first_process_speak()


def _describe(error: UserError | PermissionError, flags: dict[str, str]) -> str:
    if isinstance(error, UserError):
        tell_flags(error, flags)
        return plain_message(error)
    return f'{error.filename} cannot be accessed: {error.strerror}. Check its rights.'


def _let_first_process_speak() -> None:
    """Wait in all processes but the first: if it fails too, the launcher ends the others."""
    from cpose.engine.processes import is_started_first  # its import takes longer than the help

    if not is_started_first():
        time.sleep(FIRST_PROCESS_SECONDS)


def add_plugin(subparsers: _SubParsersAction, name: str) -> None:
    """Import the package of a command and let it add its parser.

    Args:
        subparsers: Of all commands.
        name: The word on the command line; nothing is added if no package has it.

    Raises:
        ConfigError: If the package cannot be imported, or has no ``add_parser``.
    """
    for entry in _entries():
        if entry.name != name:
            continue
        try:
            add_parser = entry.load().add_parser
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f'cannot be loaded from {entry.value}: {error}',
                argument='command',
                value=name,
                advice=f'Repair or uninstall the package{_package(entry)}',
            ) from error
        add_parser(subparsers)
        return


def list_plugins(subparsers: _SubParsersAction, own: set[str]) -> None:
    """Add names for the help, without importing anything.

    Args:
        subparsers: Of all commands.
        own: Names that are taken.
    """
    names = {entry.name: entry for entry in _entries() if entry.name not in own}
    for name, entry in sorted(names.items()):
        subparsers.add_parser(name, add_help=False, help=f'command of{_package(entry)}')


def _entries() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _package(entry: EntryPoint) -> str:
    return f' {entry.dist.name}' if entry.dist else f' {entry.module}'


if __name__ == '__main__':
    raise SystemExit(main())
