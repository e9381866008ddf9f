"""The story of a job in ``status.json``: its start, its end, and every failure."""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from cpose.engine.status_file import (
    ERROR,
    FAILURE,
    FINAL,
    RUNNING,
    STARTED,
    STATUS_NAME,
    SUCCESS,
    StatusFile,
)
from cpose.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    MissingDependencyError,
    OutputError,
    TrainingError,
    UserError,
    plain_message,
)
from cpose.tao.spec.overrides import apply_overrides
from cpose.tao.spec.yaml_reading import read_spec_text

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""What ends a job from outside; Ctrl-C is Python's KeyboardInterrupt."""
INTERRUPTION = 'User/System interruption'
PREFIXES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((TrainingError,), 'Training error'),
    ((CheckpointError, DataError, OutputError), 'File system error'),
    ((ConfigError, MissingDependencyError), 'Configuration error'),
    ((NotImplementedError,), 'Feature not implemented'),
    ((OSError,), 'File system error'),
    ((ValueError,), 'Parameter validation error'),
    ((KeyboardInterrupt, SystemExit), INTERRUPTION),
)
"""Start of the message of a failure, by the first class that fits."""


class JobStoppedError(SystemExit):
    """The system asked the job to end."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.reason = f'signal {signal.Signals(number).name}'


class JobStatus:
    """What a job tells while it runs.

    Args:
        file: Where it is written.
    """

    def __init__(self, file: StatusFile) -> None:
        self._file = file

    def write(self, message: str, kpi: Mapping[str, Any] | None = None, **values: Any) -> None:
        """Tell that something is done, with measured numbers if there are any."""
        self._file.write(RUNNING, message, kpi, **values)


@contextmanager
def job_status(results_dir: str | Path, task: str) -> Iterator[JobStatus]:
    """Write ``status.json``: STARTED, and at the end SUCCESS or FAILURE with its reason.

    Exceptions and signals that ask to end are recorded and go on. What cannot be
    caught (SIGKILL, a crash of the interpreter) is recorded by the next job in the same folder.
    Of several processes of a job only the first one tells of start and success.

    Args:
        results_dir: Folder of the task's results.
        task: Its name, for example 'train'.

    Raises:
        OutputError: If nothing can be written there.
    """
    file, name = StatusFile(Path(results_dir) / STATUS_NAME), task.capitalize()
    rank = process_rank()
    if rank == 0:
        _record_silent_end(file)
        file.write(STARTED, f'Starting {task}.')
    try:
        with _held(file), _signals_raised():
            yield JobStatus(file)
    except BaseException as error:
        _record_failure(file, f'Process {rank}: ' if rank else '', error)
        raise
    if rank == 0:
        file.write(SUCCESS, f'{name} finished successfully.')


def process_rank() -> int:
    """Return the number of this process in its job, 0 for the first or only one.

    It is known before the processes are connected.
    """
    return int(os.environ.get('RANK', '0'))


def failure_message(error: BaseException) -> str:
    """Return the message of a failure as TAO begins it, by the kind of the error."""
    interrupted = getattr(error, 'exit_code', None) is not None
    prefix = next((text for kinds, text in PREFIXES if isinstance(error, kinds)), None)
    if 'ValidationError' in (type(error).__name__, type(error.__cause__).__name__):
        prefix = 'Schema validation error'
    prefix = INTERRUPTION if interrupted else prefix or type(error).__name__
    text = plain_message(error) if isinstance(error, UserError) else str(error)
    reason = getattr(error, 'reason', None) or text or type(error).__name__
    return f'{prefix}: {reason}'


def _record_failure(file: StatusFile, process: str, error: BaseException) -> None:
    """Record a failure; where even that fails, the failure itself counts more."""
    try:
        file.write(FAILURE, process + failure_message(error), verbosity=ERROR)
    except OutputError as second:
        sys.stderr.write(f'{second}\n')


def _record_silent_end(file: StatusFile) -> None:
    """Record that the job before ended without a word, if no process of it is left."""
    last = file.last_record()
    if last is None or last.get('status') in FINAL:
        return
    with file.path.open('rb') as stream:
        if _lock(stream.fileno()):
            text = f'{INTERRUPTION}: the job before ended without a word (killed or crashed).'
            file.write(FAILURE, text, verbosity=ERROR)


@contextmanager
def _held(file: StatusFile) -> Iterator[None]:
    """Hold a lock that ends with the processes of this job, however they end."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    with file.path.open('ab') as stream:
        _lock(stream.fileno(), fcntl.LOCK_SH)
        yield


def _lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Try to lock a file; some network drives know no locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Turn signals that end a process into `JobStoppedError`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process, before = os.getpid(), {}

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            os._exit(128 + number)
        raise JobStoppedError(number)

    for number in SIGNALS:
        before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def spec_failures_recorded(path: str | Path, words: Sequence[str], task: str) -> Iterator[None]:
    """Record in ``status.json`` that a spec is wrong, if it can be read where results shall go.

    Args:
        path: The spec.
        words: Overrides ``section.key=value``.
        task: What is to be run.
    """
    try:
        yield
    except UserError as error:
        with suppress(UserError):
            folder = _results_dir(path, words, task)
            if folder is not None:
                file = StatusFile(folder / STATUS_NAME)
                file.write(FAILURE, failure_message(error), verbosity=ERROR)
        raise


def _results_dir(path: str | Path, words: Sequence[str], task: str) -> Path | None:
    """Return where results of a task shall go, if a possibly wrong spec or a word says so."""
    written: dict[str, Any] = {}
    with suppress(UserError):
        written = read_spec_text(path).values
    values, _ = apply_overrides(written, words)
    section: Any = values.get(task)
    own = section.get('results_dir') if isinstance(section, Mapping) else None
    common = values.get('results_dir')
    for folder, name in ((own, ''), (common, task)):
        if folder and isinstance(folder, str) and '$' not in folder:
            return Path(folder) / name
    return None
