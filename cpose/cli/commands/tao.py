"""``cpose tao``: run the specs of NVIDIA TAO's CenterPose."""

import json
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from pathlib import Path
from typing import Any

from cpose.cli.arguments import add_force, add_spec
from cpose.cli.tao_jobs import add_job_commands
from cpose.optional_packages import import_extra
from cpose.tao import TASKS

LAUNCHERS, NETWORK = ('model', 'deploy'), 'centerpose'
"""Words that TAO's launcher has before a task."""
HELP = {
    'train': 'train a model',
    'evaluate': 'score a checkpoint or engine',
    'inference': 'find poses in images',
    'export': 'write a checkpoint as ONNX',
    'gen_trt_engine': 'build a TensorRT engine from ONNX',
}


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command with its own commands."""
    parser = subparsers.add_parser('tao', help="run specs of NVIDIA TAO's CenterPose")
    commands = _add_commands(parser)
    for word in LAUNCHERS:
        launcher = commands.add_parser(word, help=f'as in tao {word} {NETWORK} TASK')
        networks = launcher.add_subparsers(dest='network', required=True, metavar=NETWORK)
        _add_commands(networks.add_parser(NETWORK))


def _add_commands(parser: ArgumentParser) -> Any:
    """Add what ``cpose tao`` can do, and return where more can be added."""
    commands = parser.add_subparsers(dest='task', required=True, metavar='TASK')
    for task in TASKS:
        _add_task(commands, task)
    _add_automl(commands)
    listing = commands.add_parser('list-base-experiments', help='list the zoo as JSON')
    listing.set_defaults(func=run_listing)
    schema = commands.add_parser('get-job-schema', help='print the JSON Schema of a spec')
    schema.add_argument('--action', required=True, choices=TASKS, help='task')
    schema.add_argument('--base-experiment-id', metavar='ID', help='take its model as default')
    schema.set_defaults(func=run_schema, flags={'experiment_id': '--base-experiment-id'})
    templates = commands.add_parser('templates', help='write spec templates, schemas, manifest')
    templates.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder')
    templates.add_argument('--force', action='store_true', help='replace existing files')
    templates.set_defaults(func=run_templates)
    config = commands.add_parser('to-config', help='write a spec for training as a config')
    config.add_argument('spec', metavar='SPEC', help='YAML file')
    config.add_argument('overrides', nargs='*', metavar='KEY=VALUE', help='as for train')
    config.add_argument('--out', type=Path, required=True, metavar='CONFIG', help='file to write')
    add_force(config)
    config.set_defaults(func=run_to_config)
    add_job_commands(commands)
    return commands


def _add_task(commands: Any, task: str) -> None:
    parser: ArgumentParser = commands.add_parser(task, help=HELP[task])
    add_spec(parser, 'YAML file', 'train.num_epochs=2')
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch'),
        default='none',
        help='pytorch in processes that torchrun started; default: started here for each GPU',
    )
    parser.set_defaults(func=run)


def _add_automl(commands: Any) -> None:
    parser: ArgumentParser = commands.add_parser('automl', help='search hyper-parameters')
    what = 'YAML file for training, with a section automl for other than default settings'
    add_spec(parser, what, 'automl.max_recommendations=30')
    parser.set_defaults(func=run_automl)


def run(args: Namespace) -> int:
    """Run a task, in several processes if the spec names several GPUs."""
    import_extra('pydantic', 'tao')
    from cpose.engine.processes import is_first_process, leave_processes
    from cpose.tao.jobs.processes import choose_gpus, run_processes
    from cpose.tao.jobs.status import spec_failures_recorded
    from cpose.tao.spec.spec_file import load_spec
    from cpose.tao.tasks.run import run_task

    with spec_failures_recorded(args.spec, args.overrides, args.task):
        spec = load_spec(args.spec, args.overrides, args.task)
        section = getattr(spec.values, args.task)
        if args.launcher == 'none' and len(getattr(section, 'gpu_ids', ())) > 1:
            words = ['tao', args.task, '-e', args.spec, *args.overrides]
            gpus = choose_gpus(spec, args.task)
            return run_processes(words, gpus, spec.results_dir(args.task))
    try:
        result = run_task(args.task, spec, args.launcher)
        if is_first_process():
            show_result(args.task, result, spec.results_dir(args.task))
    finally:
        leave_processes()
    return 0


def show_result(task: str, result: Any, folder: Path) -> None:
    """Print the result of a task.

    Args:
        task: One of `cpose.tao.TASKS`.
        result: What its function returned.
        folder: Where its results are.
    """
    from rich.console import Console

    from cpose.evaluation.report import build_table

    console = Console()
    if task == 'evaluate':
        console.print(build_table(result, title=str(folder)))
    elif task == 'inference':
        for message in result.skipped:
            console.print(f'Left out: {message}', soft_wrap=True, highlight=False, markup=False)
        console.file.write(
            f'{result.images} images, {result.objects} objects, {result.poses} with pose, '
            f'{len(result.skipped)} left out: {folder}\n'
        )
    elif task == 'train':
        console.file.write(f'Trained: {result.checkpoint or "a dry run, nothing saved"}\n')
    else:
        console.file.write(f'Written: {result}\n')
    console.file.write('Execution status: PASS\n')


def run_automl(args: Namespace) -> int:
    """Search, print the trials and say where the best spec is."""
    import_extra('pydantic', 'tao')
    from rich.console import Console

    from cpose.tao.automl.report import BEST_SPEC, PLOT
    from cpose.tao.tasks import automl

    result = automl.run_automl(args.spec, args.overrides, sys.stdout.write)
    Console().print(result.table)
    if result.best_values is None:
        sys.stdout.write('No trial was completed, so there is no best spec.\n')
    else:
        values = ', '.join(f'{name}={value}' for name, value in result.best_values.items())
        sys.stdout.write(f'Best: {values}: {result.folder / BEST_SPEC}\n')
    sys.stdout.write(f'Picture: {result.folder / PLOT}\nExecution status: PASS\n')
    return 0


def run_listing(args: Namespace) -> int:
    """Print the zoo."""
    from cpose.tao.zoo import list_base_experiments

    return _print_json(list_base_experiments())


def run_schema(args: Namespace) -> int:
    """Print a schema."""
    import_extra('pydantic', 'tao')
    from cpose.tao.spec.schema import job_schema

    return _print_json(job_schema(args.action, args.base_experiment_id))


def run_templates(args: Namespace) -> int:
    """Write what describes the specs of all tasks."""
    import_extra('pydantic', 'tao')
    from cpose.tao.spec.templates import write_templates

    for path in write_templates(args.out, args.force):
        sys.stdout.write(f'{path}\n')
    return 0


def run_to_config(args: Namespace) -> int:
    """Write the config that a spec for training stands for."""
    import_extra('pydantic', 'tao')
    from cpose.files.atomic import write_text_atomic
    from cpose.files.json_files import check_writable
    from cpose.tao.spec.spec_file import load_spec
    from cpose.tao.translation.spec_config import overlay_text, training_overlay

    check_writable(args.out)
    spec = load_spec(args.spec, args.overrides, 'train')
    text = overlay_text(training_overlay(spec), f'Translated from {Path(args.spec).name}.')
    write_text_atomic(args.out, text)
    sys.stdout.write(f'{args.out}\n')
    return 0


def _print_json(value: Any) -> int:
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + '\n')
    return 0
