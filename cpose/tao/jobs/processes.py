"""A job in several processes, one for each GPU."""

import os
import signal
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from cpose.engine.status_file import ERROR, FAILURE, STATUS_NAME, StatusFile
from cpose.tao.spec.spec_file import TaoSpec

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


RANK_VARIABLE = 'LOCAL_RANK'


NOT_ON_CPU = ('gen_trt_engine',)
"""Tasks that need no GPU, or say themselves what for they do."""


def choose_gpus(spec: TaoSpec, task: str) -> list[int]:
    """Return the GPUs of a task, none where the CPU takes their place.

    Raises:
        ConfigError: If one of them is not there.
    """
    section = getattr(spec.values, task)
    if getattr(section, 'on_cpu', False):
        return []
    key = f'{task}.gpu_ids' if hasattr(section, 'gpu_ids') else f'{task}.gpu_id'
    wanted = list(section.gpu_ids) if hasattr(section, 'gpu_ids') else [section.gpu_id]
    if task == 'inference' and len(wanted) > 1:
        named = next(name for name in (f'{task}.num_gpus', key) if spec.origin.gives(name))
        raise spec.wrong(
            named,
            'must be one GPU, as inference runs in one process',
            'For more GPUs start one process for each, with a part of the images',
        )
    there = torch.cuda.device_count()
    if wanted == [0] and there == 0:
        if task not in NOT_ON_CPU:
            warnings.warn(f'No GPU is visible, so {task} uses the CPU.', stacklevel=2)
        return []
    if max(wanted) >= there:
        allowed = f'numbers from 0 to {there - 1}' if there else '0, which stands for the CPU'
        raise spec.wrong(
            key, f'goes beyond the {there} GPUs that are visible', f'Allowed: {allowed}'
        )
    return wanted


def use_gpus(spec: TaoSpec, task: str) -> None:
    """Make the first GPU of a task the current one.

    In a process that torchrun started the runner chooses, by the number of the process.

    Raises:
        ConfigError: If one of them is not there.
    """
    if RANK_VARIABLE in os.environ:
        return
    gpus = choose_gpus(spec, task)
    if gpus:
        torch.cuda.set_device(gpus[0])
