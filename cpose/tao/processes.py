"""A job in several processes, one for each GPU."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from cpose.engine.status_file import ERROR, FAILURE, STATUS_NAME, StatusFile

VISIBLE_VARIABLE = 'CUDA_VISIBLE_DEVICES'


def run_processes(words: Sequence[str], gpus: Sequence[int], results_dir: Path) -> int:
    """Run ``cpose tao`` once for each GPU and return the exit code of the first that failed.

    What a process could not tell itself, as it crashed or was killed, is told in ``status.json``.

    Args:
        words: Words after ``cpose``.
        gpus: Numbers among the visible GPUs.
        results_dir: Folder of the task's results.
    """
    given = os.environ.get(VISIBLE_VARIABLE)
    names = given.split(',') if given else [str(number) for number in range(max(gpus) + 1)]
    os.environ[VISIBLE_VARIABLE] = ','.join(names[number] for number in gpus)
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    command = ['--standalone', '--nproc_per_node', str(len(gpus)), '-m', 'cpose.cli.main', *words]
    file = StatusFile(results_dir / STATUS_NAME)
    before = _num_bytes(file.path)
    try:
        run(parse_args([*command, '--launcher', 'pytorch']))
    except SignalException as stop:
        return 128 + int(stop.sigval)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        _tell_of_crash(file, before, rank, failure.exitcode)
        return failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode
    return 0


def _tell_of_crash(file: StatusFile, before: int, rank: int, code: int) -> None:
    """Write the failure of a process, unless it did so itself."""
    last = file.last_record() or {}
    if code > 0 and _num_bytes(file.path) > before and last.get('status') == FAILURE:
        return
    how = f'ended with exit code {code}' if code > 0 else f'got {signal.Signals(-code).name}'
    file.write(FAILURE, f'Process {rank} {how}, see what it printed.', verbosity=ERROR)


def _num_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
