"""A trial: an ordinary training run in a process of its own, followed by its ``status.json``."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import yaml

from cpose.engine.status_file import FAILURE, NOT_FINITE, StatusFile, parse_line
from cpose.error_places import FilePlace
from cpose.errors import TrainingError
from cpose.files.atomic import write_text_atomic
from cpose.files.encryption_key import KEY_VARIABLE, current_key, environment_key
from cpose.tao.automl.trials import TrialFolder

LOOK_SECONDS = 0.2
STOP_SECONDS = 120
HOPELESS = (NOT_FINITE, 'out of memory')
"""Failures that come from the values of a trial; others would come again in the next."""

SET_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of prctl(2)."""

Report = Callable[[int, float], bool]
"""Takes epoch and value of a validation, maybe NaN; tells whether the trial is to be stopped."""


class HopelessTrialError(Exception):
    """The values of a trial cannot be trained."""


@dataclass(frozen=True)
class TrialJob:
    """What a trial has to do.

    Attributes:
        folder: Where.
        values: The whole spec, nested.
        metric: Number of ``status.json`` that decides.
    """

    folder: TrialFolder
    values: Mapping[str, Any]
    metric: str


def train_trial(job: TrialJob, report: Report) -> None:
    """Train a trial; one that was begun goes on from its last checkpoint.

    Raises:
        HopelessTrialError: If the loss is not finite or the memory too small.
        TrainingError: If the training failed in another way.
    """
    with job.folder.training_lock() as lock:
        write_text_atomic(job.folder.spec, dump_spec(job.values))
        process = _start(job.folder, lock.fileno())
    try:
        is_stopped = _follow(job, process, report)
    finally:
        _end(process)
    if process.returncode != 0 and not is_stopped:
        _raise_failure(job.folder, process.returncode)


def dump_spec(values: Mapping[str, Any]) -> str:
    """Return a spec as YAML."""
    return yaml.safe_dump(dict(values), sort_keys=False)


def read_validations(lines: list[bytes], metric: str) -> Iterator[tuple[int, float]]:
    """Yield epoch and value of every validation that lines of ``status.json`` tell of.

    A value that could not be measured, ``nan`` or ``null`` in the file, is NaN.
    """
    for line in lines:
        record = parse_line(line) or {}
        kpi = record.get('kpi', {})
        if 'epoch' in record and metric in kpi:
            value = kpi[metric]
            yield int(record['epoch']), nan if value is None else float(value)


def _start(folder: TrialFolder, lock: int) -> subprocess.Popen:
    """Start the training so that it ends with this process, and holds the lock until it ends."""
    command = [sys.executable, '-m', 'cpose.cli.main', 'tao', 'train', '-e', str(folder.spec)]
    libc, parent = ctypes.CDLL(None), os.getpid()

    def end_with_parent() -> None:
        libc.prctl(SET_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    with folder.output.open('ab') as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
            pass_fds=(lock,),
            preexec_fn=end_with_parent,
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    """Return the environment of a trial; the key is in no file."""
    key = None if environment_key() else current_key()
    return {**os.environ, **({KEY_VARIABLE: key} if key else {})}


def _follow(job: TrialJob, process: subprocess.Popen, report: Report) -> bool:
    """Report validations until the training ends or is to be stopped."""
    position, last_epoch = 0, -1
    while True:
        is_over = process.poll() is not None
        lines, position = _new_lines(job.folder.status, position)
        for epoch, value in read_validations(lines, job.metric):
            if epoch > last_epoch:
                last_epoch = epoch
                if report(epoch, value):
                    return True
        if is_over:
            return False
        time.sleep(LOOK_SECONDS)


def _new_lines(file: Path, position: int) -> tuple[list[bytes], int]:
    """Return the complete lines after a position, and the position after them."""
    if not file.is_file():
        return [], position
    with file.open('rb') as stream:
        stream.seek(position)
        data = stream.read()
    end = data.rfind(b'\n') + 1
    return data[:end].splitlines(), position + end


def _end(process: subprocess.Popen) -> None:
    """Let a training save and end, if it still runs."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _raise_failure(folder: TrialFolder, code: int) -> None:
    last = StatusFile(folder.status).last_record() or {}
    message = str(last.get('message', '')) if last.get('status') == FAILURE else ''
    if any(text in message for text in HOPELESS):
        raise HopelessTrialError(message)
    tail = folder.output.read_text(encoding='utf-8', errors='replace').strip().splitlines()[-1:]
    reason = message or ''.join(tail) or 'it said nothing'
    raise TrainingError(
        f'is a trial whose training failed with exit code {code}: {reason}',
        place=FilePlace(folder.path),
        advice=f'Correct the cause (all it printed is in {folder.output}) and start the same '
        'command again: the search goes on',
    )
