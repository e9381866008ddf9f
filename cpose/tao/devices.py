"""The GPUs that a spec names."""

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence

import torch

from cpose.errors import ConfigError
from cpose.tao.spec_file import TaoSpec

RANK_VARIABLE = 'LOCAL_RANK'
VISIBLE_VARIABLE = 'CUDA_VISIBLE_DEVICES'


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
    there = torch.cuda.device_count()
    if wanted == [0] and there == 0:
        warnings.warn(f'No GPU is visible, so {task} uses the CPU.', stacklevel=2)
        return []
    if max(wanted) >= there:
        allowed = f'numbers from 0 to {there - 1}' if there else '[0], which stands for the CPU'
        raise ConfigError(
            f'{spec.origin.place(key)}: {key}={wanted} is not allowed: {there} GPUs are visible. '
            f'Allowed: {allowed}.'
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


def current_device() -> str:
    """Return the device that `use_gpus` chose."""
    return f'cuda:{torch.cuda.current_device()}' if torch.cuda.is_available() else 'cpu'


def start_processes(words: Sequence[str], gpus: Sequence[int]) -> int:
    """Run ``cpose tao`` once for each GPU and return the exit code.

    Args:
        words: Words after ``cpose``.
        gpus: Numbers among the visible GPUs.
    """
    given = os.environ.get(VISIBLE_VARIABLE)
    names = given.split(',') if given else [str(number) for number in range(max(gpus) + 1)]
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command += ['--nproc_per_node', str(len(gpus)), '-m', 'cpose.cli.main', *words]
    visible = ','.join(names[number] for number in gpus)
    environment = {'OMP_NUM_THREADS': '1', **os.environ, VISIBLE_VARIABLE: visible}
    return subprocess.run(
        [*command, '--launcher', 'pytorch'], env=environment, check=False
    ).returncode
