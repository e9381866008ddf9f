"""The job commands of ``cpose tao``, named as those of TAO; all print JSON but the logs."""

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from cpose.optional_packages import import_extra
from cpose.tao import TASKS

JOB_ID = ('--job-id', '-j')
FLAGS = {
    'job_id': '--job-id',
    'parent_job_id': '--parent-job-id',
    'specs': '--specs',
    'runner': '--runner',
    'automl_settings': '--automl-settings',
    'base_experiment_ids': '--base-experiment-ids',
    'experiment_id': '--base-experiment-ids',
    'train_datasets': '--train-datasets',
    'eval_dataset': '--eval-dataset',
    'inference_dataset': '--inference-dataset',
}


def add_job_commands(commands: Any) -> None:
    """Add the commands to those of ``cpose tao``."""
    _add_create(commands.add_parser('create-job', help='start a task as a process of its own'))
    listing = commands.add_parser('list-jobs', help='list all jobs')
    listing.set_defaults(func=run_list)
    about = {
        'get-job': ('show a job', run_get),
        'get-job-logs': ('print what a job printed', run_logs),
        'pause-job': ('end the process of a job; a training saves first', run_pause),
        'resume-job': ('go on with a paused or failed job', run_resume),
        'cancel-job': ('end the process of a job for good', run_cancel),
        'delete-job': ('remove a job with its results', run_delete),
    }
    for name, (text, run) in about.items():
        short = name.removesuffix('-job')
        aliases = [short] if short in ('pause', 'resume', 'cancel', 'delete') else []
        parser: ArgumentParser = commands.add_parser(name, help=text, aliases=aliases)
        parser.add_argument(*JOB_ID, required=True, metavar='ID', help='as create-job prints it')
        parser.set_defaults(func=run, flags=FLAGS)


def _add_create(parser: ArgumentParser) -> None:
    parser.add_argument('--kind', default='experiment', choices=('experiment',))
    parser.add_argument('--name', default='', help='what you call it')
    parser.add_argument('--action', required=True, choices=TASKS, help='task')
    parser.add_argument('--workspace-id', default='', help='accepted; there is one, on this disk')
    parser.add_argument('--specs', default='', help='JSON, or the file of a spec')
    for option, data in (
        ('--train-datasets', 'training; for gen_trt_engine, calibration'),
        ('--eval-dataset', 'validation or evaluation'),
        ('--inference-dataset', 'inference'),
    ):
        parser.add_argument(option, default='', help=f'folder or archive of {data}; also ["DIR"]')
    parser.add_argument('--base-experiment-ids', default='', help='entry of the zoo, or ["ID"]')
    parser.add_argument('--parent-job-id', default='', help='job whose model is used')
    parser.add_argument(
        '--automl-settings', default='', help='JSON; searches hyper-parameters of a training'
    )
    parser.add_argument('--encryption-key', default='', help='of model files; stored nowhere')
    parser.add_argument('--runner', default='local', choices=('local', 'slurm'), help='who runs it')
    parser.set_defaults(func=run_create, flags=FLAGS)


def run_create(args: Namespace) -> int:
    """Start a job and print it."""
    import_extra('pydantic', 'tao')
    from cpose.files.encryption_key import note_key
    from cpose.tao.jobs.job_specs import DATA_KEYS, JobRequest, create_job
    from cpose.tao.jobs.job_store import JobStore

    note_key(args.encryption_key)
    store = JobStore()
    request = JobRequest(
        args.action,
        args.specs,
        {name: getattr(args, name) for name in DATA_KEYS},
        args.base_experiment_ids,
        args.parent_job_id,
        args.automl_settings,
    )
    key = args.encryption_key
    return _show(store, create_job(store, request, args.name, args.kind, args.runner, key))


def run_list(args: Namespace) -> int:
    """Print all jobs."""
    from cpose.tao.jobs.job_runs import describe_job
    from cpose.tao.jobs.job_store import JobStore

    store = JobStore()
    return _print([describe_job(store, job) for job in store.all_jobs()])


def run_get(args: Namespace) -> int:
    """Print a job."""
    return _show(*_find(args))


def run_logs(args: Namespace) -> int:
    """Print the output of a job as it is."""
    from cpose.tao.jobs.job_runs import read_log

    sys.stdout.write(read_log(*_find(args)))
    return 0


def run_pause(args: Namespace) -> int:
    """End the process of a job, which can go on later."""
    return _stop(args, 'Paused')


def run_cancel(args: Namespace) -> int:
    """End the process of a job."""
    return _stop(args, 'Canceled')


def run_resume(args: Namespace) -> int:
    """Start the process of a job again; a training goes on from its newest checkpoint."""
    from cpose.tao.jobs.job_runs import start_job

    store, job = _find(args)
    return _show(store, start_job(store, job))


def run_delete(args: Namespace) -> int:
    """Remove a job."""
    store, job = _find(args)
    store.delete(job)
    return _print({'id': job.id, 'status': 'Deleted'})


def _find(args: Namespace) -> tuple[Any, Any]:
    import_extra('pydantic', 'tao')
    from cpose.tao.jobs.job_store import JobStore

    store = JobStore()
    return store, store.find(args.job_id)


def _stop(args: Namespace, as_state: str) -> int:
    from cpose.tao.jobs.job_runs import stop_job

    store, job = _find(args)
    return _show(store, stop_job(store, job, as_state))


def _show(store: Any, job: Any) -> int:
    from cpose.tao.jobs.job_runs import describe_job

    return _print(describe_job(store, job))


def _print(value: Any) -> int:
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + '\n')
    return 0
