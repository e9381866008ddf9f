"""The ``cpose`` command: parse, run, and turn errors of the user into a message and code 2."""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib import import_module

from cpose import __version__
from cpose.cli.process_settings import keep_freed_memory, plain_warnings
from cpose.errors import TrainingInterruptedError, UserError, plain_message

COMMANDS = (
    'train',
    'test',
    'infer',
    'evaluate',
    'convert',
    'synth',
    'quickstart',
    'export_onnx',
    'quantize',
    'build_trt',
    'print_config',
    'tao',
)

SPIN_COUNT = '10000'
"""How often an OpenMP thread looks for work before it sleeps, about a tenth of a millisecond.
By default it looks for long, and takes the cores from the data workers: with three busy processes
on two cores a training step was fourteen times slower. A thread that sleeps at once
(``OMP_WAIT_POLICY=PASSIVE``) made a step as slow as with one thread. Read by libgomp when torch is
imported, therefore set here, before any command imports it."""

FIRST_PROCESS_SECONDS = 5.0
"""Longest time between the same error in two processes that were started together."""


def build_parser(commands: Sequence[str] = COMMANDS) -> ArgumentParser:
    """Assemble the parser of all commands."""
    parser = ArgumentParser(prog='cpose', description='Category-level 6-DoF object pose.')
    parser.add_argument('--version', action='version', version=f'cpose {__version__}')
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for command in commands:
        import_module(f'cpose.cli.commands.{command}').add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 success, 1 failed run, 2 error of the user."""
    if 'OMP_WAIT_POLICY' not in os.environ:
        os.environ.setdefault('GOMP_SPINCOUNT', SPIN_COUNT)
    keep_freed_memory()
    args = build_parser().parse_args(argv)
    try:
        with plain_warnings():
            return int(args.func(args) or 0)
    except (UserError, PermissionError) as error:
        if getattr(args, 'launcher', 'none') != 'none':
            _let_first_process_speak()
        sys.stderr.write(f'cpose {args.command}: {_describe(error)}\n')
        return 2
    except TrainingInterruptedError as stop:
        sys.stderr.write(f'{stop}\nThe same command continues.\n')
        return stop.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f'cpose {args.command}: interrupted\n')
        return 130


def _describe(error: UserError | PermissionError) -> str:
    if isinstance(error, UserError):
        return plain_message(error)
    return f'{error.filename} cannot be accessed: {error.strerror}. Check its rights.'


def _let_first_process_speak() -> None:
    """Wait in all processes but the first: if it fails too, the launcher ends the others."""
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) != '0':
        time.sleep(FIRST_PROCESS_SECONDS)


if __name__ == '__main__':
    raise SystemExit(main())
