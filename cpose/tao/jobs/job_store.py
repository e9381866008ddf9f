"""The jobs of a user on this machine: one folder each, and one table in a SQLite file.

What a job was asked to do stands in the table; whether it still works is told by a lock that its
process holds, and how it ended by its ``status.json``. So nothing is lost by a crash of either.
"""

import fcntl
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import BinaryIO

from cpose.engine.status_file import STATUS_NAME, SUCCESS, StatusFile
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, OutputError, unwritable

ROOT_VARIABLE = 'CPOSE_TAO_JOBS'
"""Environment variable that names the folder of all jobs."""
DEFAULT_ROOT = '~/.local/share/cpose/tao_jobs'
TABLE = 'jobs.sqlite'
RUNNING, PAUSED, CANCELED, DONE, ERROR = 'Running', 'Paused', 'Canceled', 'Done', 'Error'
WAIT_SECONDS = 30.0
"""How long a process waits for another one that writes the table."""


@dataclass(frozen=True)
class Job:
    """What a job was asked to do.

    Attributes:
        id: Its name in commands.
        name: What the user calls it.
        kind: As given, ``experiment``.
        action: One of `cpose.tao.TASKS`, or `cpose.tao.SEARCH`.
        parent_id: Job whose model it uses, empty for none.
        runner: ``local`` or ``slurm``.
        created: Time in ISO 8601, UTC.
        working_dir: Where the process runs, for relative paths.
        process: Number of the process, or of the job of Slurm; empty before the start.
        stopped: `PAUSED` or `CANCELED` if the user stopped it.
    """

    id: str
    name: str
    kind: str
    action: str
    parent_id: str
    runner: str
    created: str
    working_dir: str
    process: str = ''
    stopped: str = ''


COLUMNS = tuple(item.name for item in fields(Job))


class JobStore:
    """All jobs below a folder.

    Args:
        root: The folder; None takes that of `ROOT_VARIABLE`, else `DEFAULT_ROOT`.

    Raises:
        OutputError: If the folder cannot be made or the table not be opened.
    """

    def __init__(self, root: str | Path | None = None) -> None:
        chosen = root or os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT
        self.root = Path(chosen).expanduser().absolute()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            advice = f'Name another folder in {ROOT_VARIABLE}'
            raise unwritable(self.root, error, advice) from error
        with self._table() as table:
            columns = ', '.join(f'{name} TEXT NOT NULL' for name in COLUMNS)
            table.execute(f'CREATE TABLE IF NOT EXISTS jobs ({columns}, PRIMARY KEY (id))')

    def folder(self, job_id: str) -> Path:
        """Return the folder of a job."""
        return self.root / job_id

    def spec_file(self, job: Job) -> Path:
        """Return the spec that a job runs."""
        return self.folder(job.id) / 'spec.yaml'

    def log_file(self, job: Job) -> Path:
        """Return what the process of a job printed."""
        return self.folder(job.id) / 'log.txt'

    def results_dir(self, job: Job) -> Path:
        """Return the folder of a job's results."""
        return self.folder(job.id) / job.action

    def new_id(self) -> str:
        """Return an id, and make the folder of a new job."""
        job_id = str(uuid.uuid4())
        self.folder(job_id).mkdir()
        return job_id

    def save(self, job: Job) -> None:
        """Add a job, or replace what is known of it."""
        places = ', '.join(f':{name}' for name in COLUMNS)
        with self._table() as table:
            table.execute(f'INSERT OR REPLACE INTO jobs VALUES ({places})', asdict(job))

    def find(self, job_id: str, argument: str = 'job_id') -> Job:
        """Return a job.

        Args:
            job_id: Its id.
            argument: What named it, for the message.

        Raises:
            ConfigError: If there is none of this id.
        """
        found = next((job for job in self.all_jobs() if job.id == job_id), None)
        if found is None:
            raise ConfigError(
                f'is no job in {self.root}',
                argument=argument,
                value=job_id,
                advice='`cpose tao list-jobs` lists all',
            )
        return found

    def all_jobs(self) -> list[Job]:
        """Return all jobs, the oldest first."""
        with self._table() as table:
            rows = table.execute(f'SELECT {", ".join(COLUMNS)} FROM jobs ORDER BY created, id')
            return [Job(*row) for row in rows]

    def delete(self, job: Job) -> None:
        """Remove a job with its results.

        Raises:
            ConfigError: If it still works.
        """
        if self.is_held(job):
            raise ConfigError(
                'still works',
                argument='job_id',
                value=job.id,
                advice='Cancel it first',
            )
        self.forget(job)

    def forget(self, job: Job) -> None:
        """Remove a job that never started or has ended."""
        with self._table() as table:
            table.execute('DELETE FROM jobs WHERE id = ?', (job.id,))
        shutil.rmtree(self.folder(job.id), ignore_errors=True)

    @contextmanager
    def lock(self, job: Job) -> Iterator[BinaryIO]:
        """Yield a locked file for the process of a job to inherit.

        Raises:
            ConfigError: If a process holds it already.
        """
        with (self.folder(job.id) / 'process.lock').open('ab') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    'works already', argument='job_id', value=job.id, advice='Wait for its end'
                ) from error
            yield lock

    def is_held(self, job: Job) -> bool:
        """Whether a process of a job lives."""
        try:
            with self.lock(job):
                return False
        except ConfigError:
            return True

    def ended_as(self, job: Job) -> str:
        """Return how a job ended that no process works at: `DONE`, `ERROR`, or as it was stopped.

        A job that came to its end before it could be stopped is done.
        """
        last = StatusFile(self.results_dir(job) / STATUS_NAME).last_record() or {}
        if last.get('status') == SUCCESS:
            return DONE
        return job.stopped or ERROR

    @contextmanager
    def _table(self) -> Iterator[sqlite3.Connection]:
        path = self.root / TABLE
        try:
            with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as table, table:
                yield table
        except sqlite3.Error as error:
            raise OutputError(
                f'cannot be used: {error}',
                place=FilePlace(path),
                advice=f'Name another folder in {ROOT_VARIABLE}',
            ) from error
