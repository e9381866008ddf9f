"""Start jobs as processes of their own, here or by Slurm, stop them, and tell of them.

Nothing here reads a spec, so that asking for a job, as scripts do over and over, costs little.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cpose.errors import ConfigError, MissingDependencyError
from cpose.files.encryption_key import KEY_VARIABLE
from cpose.tao.jobs.job_store import CANCELED, DONE, PAUSED, RUNNING, Job, JobStore

LOCAL, SLURM = 'local', 'slurm'
RUNNERS = (LOCAL, SLURM)
PENDING = 'Pending'
WAITING_STATES = ('PENDING', 'CONFIGURING', 'REQUEUED', 'SUSPENDED')
"""States of Slurm before the work."""


def start_job(store: JobStore, job: Job, encryption_key: str = '') -> Job:
    """Start the process of a job, for the first time or to go on, and return what is known of it.

    Raises:
        ConfigError: If it works already, or is done.
        MissingDependencyError: If there is no Slurm here.
    """
    state = job_state(store, job) if job.process else ''
    if state in (RUNNING, PENDING):
        raise ConfigError(
            'works already', argument='job_id', value=job.id, advice='Wait for its end'
        )
    if state == DONE:
        raise ConfigError('is done', argument='job_id', value=job.id, advice='Create another job')
    task = ['tao', job.action, '-e', str(store.spec_file(job))]
    words = [sys.executable, '-m', 'cpose.cli.main', *task]
    environment = dict(os.environ)
    if encryption_key:
        environment[KEY_VARIABLE] = encryption_key
    start = _submit if job.runner == SLURM else _start_here
    started = replace(job, process=start(store, job, words, environment), stopped='')
    store.save(started)
    return started


def stop_job(store: JobStore, job: Job, as_state: str) -> Job:
    """Ask the process of a job to end; a training saves a checkpoint first.

    Args:
        store: Where it is kept.
        job: The job.
        as_state: `PAUSED` or `CANCELED`.

    Raises:
        ConfigError: If it does not work.
    """
    state = job_state(store, job)
    if state not in (RUNNING, PENDING) and (state, as_state) != (PAUSED, CANCELED):
        raise ConfigError(
            f'does not work: it is {state}', argument='job_id', value=job.id, advice='Start another'
        )
    stopped = replace(job, stopped=as_state)
    store.save(stopped)
    if job.runner == SLURM:
        _ask_slurm('scancel', '--signal=TERM', '--full', job.process)
    elif store.is_held(job):
        with suppress(ProcessLookupError):
            os.killpg(int(job.process), signal.SIGTERM)
    return stopped


def job_state(store: JobStore, job: Job) -> str:
    """Return `RUNNING`, `PENDING`, or how the job ended."""
    if not job.process:
        return PENDING
    if job.runner == SLURM:
        state = _ask_slurm('squeue', '--noheader', '--jobs', job.process, '--format', '%T')
        if state:
            return PENDING if state in WAITING_STATES else RUNNING
    elif store.is_held(job):
        return RUNNING
    return store.ended_as(job)


def describe_job(store: JobStore, job: Job) -> dict[str, Any]:
    """Return what is known of a job, to print as JSON."""
    known = {key: value for key, value in asdict(job).items() if key != 'stopped'}
    return {
        **known,
        'status': job_state(store, job),
        'spec': str(store.spec_file(job)),
        'results_dir': str(store.results_dir(job)),
        'log': str(store.log_file(job)),
    }


def _start_here(
    store: JobStore, job: Job, words: Sequence[str], environment: dict[str, str]
) -> str:
    """Start a process that outlives this one and holds the lock of the job; return its number."""
    with store.lock(job) as lock, store.log_file(job).open('ab') as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=job.working_dir,
            env=environment,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )
    return str(process.pid)


def _submit(store: JobStore, job: Job, words: Sequence[str], environment: dict[str, str]) -> str:
    """Hand a job over to Slurm and return its number there."""
    script = store.folder(job.id) / 'job.sh'
    script.write_text(f'#!/bin/sh\nexec {shlex.join(words)}\n', encoding='utf-8')
    options = ('--parsable', f'--job-name={job.name}', f'--chdir={job.working_dir}')
    log = ('--open-mode=append', f'--output={store.log_file(job)}')
    answer = _ask_slurm('sbatch', *options, *log, str(script), environment=environment)
    return answer.partition(';')[0]


def _ask_slurm(*words: str, environment: dict[str, str] | None = None) -> str:
    """Run a command of Slurm and return what it prints; nothing for a job it does not know.

    Raises:
        MissingDependencyError: If the command is not there.
        ConfigError: If ``sbatch`` refuses the job.
    """
    if shutil.which(words[0]) is None:
        raise MissingDependencyError(
            f'needs the command {words[0]}, which is not here',
            argument='runner',
            value=SLURM,
            advice='Use {runner} local',
        )
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode and words[0] == 'sbatch':
        raise ConfigError(
            f'is refused by Slurm: {done.stderr.strip()}',
            argument='runner',
            value=SLURM,
            advice='Correct its settings, which the variables SBATCH_* give',
        )
    return done.stdout.strip()


def read_log(store: JobStore, job: Job) -> str:
    """Return what the process of a job has printed so far."""
    path: Path = store.log_file(job)
    return path.read_text(encoding='utf-8', errors='replace') if path.is_file() else ''
