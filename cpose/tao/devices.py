"""The GPUs that a spec names."""

import os
import warnings

import torch

from cpose.errors import ConfigError
from cpose.tao.spec_file import TaoSpec

RANK_VARIABLE = 'LOCAL_RANK'


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
        raise ConfigError(
            f'{spec.origin.place(named)}: {named}={spec.value(named)} is not allowed: inference '
            'runs in one process. Allowed: one GPU; for more start one process for each, with a '
            'part of the images.'
        )
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
