"""``cpose train``: train a model."""

import shlex
import sys
from argparse import Namespace, _SubParsersAction

from cpose.cli.arguments import (
    add_config,
    add_launcher,
    add_tensors_only,
    read_options,
)
from cpose.cli.zoo_arguments import CARRIED, MODEL_OPTION, add_model


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser('train', help='train a model')
    add_config(parser, f"; '{CARRIED}' takes the one that the file of {MODEL_OPTION} carries")
    add_model(parser, 'start', 'weights to start from')
    parser.add_argument(
        '--work-dir', metavar='DIR', help='checkpoints and logs; default: work_dirs/<config>'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='auto|PATH',
        help='continue from a checkpoint; alone: from the newest complete one in the work dir',
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const='bf16',
        choices=('bf16', 'fp16'),
        help='mixed precision; alone: bf16',
    )
    add_tensors_only(parser)
    add_launcher(parser)
    parser.set_defaults(func=run, start=None)


def run(args: Namespace) -> int:
    """Train; after a signal say how to go on."""
    from cpose.apis.builder import resolve_config
    from cpose.apis.training import train
    from cpose.engine.processes import is_first_process, leave_processes
    from cpose.errors import TrainingInterruptedError

    try:
        is_carried = args.start and args.config == CARRIED
        config = resolve_config(CARRIED, args.start) if is_carried else args.config
        options = read_options(args) | ({'load_from': args.start} if args.start else {})
        runner = train(config, args.work_dir, args.resume, args.amp, args.launcher, options)
    except TrainingInterruptedError as stop:
        if is_first_process():
            again = 'the same command and --resume'
            how = resume_command(sys.argv) if args.launcher == 'none' else again
            sys.stderr.write(f'{stop}\nContinue with: {how}\n')
        return stop.exit_code
    finally:
        leave_processes()
    best = runner.message_hub.get_info('best_checkpoint')
    if runner.rank == 0:
        sys.stdout.write(f'Trained to epoch {runner.epoch}: {runner.last_checkpoint}\n')
        sys.stdout.write(f'Best: {runner.work_dir}/{best}\n' if best else '')
    return 0


def resume_command(argv: list[str]) -> str:
    """Return the command line that continues this one."""
    words = [word for word in argv if not word.startswith('--resume=')]
    if '--resume' in words:
        place = words.index('--resume')
        value = words[place + 1 : place + 2]
        del words[place : place + (2 if value and not value[0].startswith('-') else 1)]
    start = ['python'] if words[0].endswith('.py') else []
    return shlex.join([*start, *words, '--resume'])
