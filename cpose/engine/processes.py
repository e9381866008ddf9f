"""Processes of a training: those that train together, and those that load data."""

import atexit
import gc
import mmap
import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import Tensor, distributed, nn

from cpose.errors import ConfigError
from cpose.registry import MODEL_WRAPPERS

DEAD_WORKER = 'DataLoader worker (pid'
"""Start of what PyTorch says when one has ended."""
FROM_WORKER = re.compile(r'Caught \w+ in DataLoader worker process')
"""Start of what PyTorch says of an error in one that lives."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
_training = mmap.mmap(-1, 1)
"""A byte that forked processes share."""

TORCHRUN_VARIABLES = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE')
DEFAULT_PORT = '29500'
START = 'Start with tools/dist_train.sh (torchrun) or tools/slurm_train.sh (srun)'


def init_cpu_processes(launcher: str, timeout: float = 1800) -> None:
    """Connect the processes with gloo, unless there are GPUs or they are connected.

    MMEngine asks for a CUDA device whatever the backend is. What the connection leaves behind is
    ended with the process, see `end_connection`.

    Args:
        launcher: 'pytorch' (torchrun) or 'slurm'.
        timeout: Seconds without an answer after which a process gives up.

    Raises:
        ConfigError: If the processes were not started by that launcher.
    """
    atexit.unregister(end_connection)
    atexit.register(end_connection)
    if torch.cuda.is_available() or distributed.is_initialized():
        return
    if launcher == 'slurm':
        os.environ.update(slurm_variables(os.environ))
    missing = [name for name in TORCHRUN_VARIABLES if name not in os.environ]
    if missing:
        raise ConfigError(
            f'needs {", ".join(missing)} in the environment',
            argument='launcher',
            value=launcher,
            advice=START,
        )
    distributed.init_process_group('gloo', timeout=timedelta(seconds=timeout))


def leave_processes() -> None:
    """Disconnect from the other processes, if there are any."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def end_connection() -> None:
    """End the threads of the connection while the interpreter is whole.

    A model that trained with others holds the connection, and its runner is part of circles that
    only the garbage collector undoes. Threads of gloo that outlive the interpreter let go of what
    it owns, are ended for asking for its lock, and abort the process after its work is done.
    """
    leave_processes()
    gc.collect()


def is_first_process() -> bool:
    """Whether this process is the one that prints and writes."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def is_started_first() -> bool:
    """Whether this process is the first that a launcher started, known before it is connected."""
    return os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0'


def slurm_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return torchrun's variables for a process that ``srun`` started.

    Raises:
        ConfigError: If it was not, or the first host is not known.
    """
    if 'SLURM_PROCID' not in environment:
        raise ConfigError(
            'needs SLURM_PROCID in the environment',
            argument='launcher',
            value='slurm',
            advice='Start with tools/slurm_train.sh (srun)',
        )
    address = environment.get('MASTER_ADDR') or _first_host(environment['SLURM_NODELIST'])
    return {
        'RANK': environment['SLURM_PROCID'],
        'LOCAL_RANK': environment.get('SLURM_LOCALID', '0'),
        'WORLD_SIZE': environment['SLURM_NTASKS'],
        'MASTER_ADDR': address,
        'MASTER_PORT': environment.get('MASTER_PORT', DEFAULT_PORT),
    }


def _first_host(nodes: str) -> str:
    command = ['scontrol', 'show', 'hostnames', nodes]
    try:
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(
            f'needs the first host, but {shlex.join(command)} failed ({error})',
            argument='launcher',
            value='slurm',
            advice='Set MASTER_ADDR to the name of the first host',
        ) from error
    return names[0]


@MODEL_WRAPPERS.register_module()
class PoseDistributedDataParallel(MMDistributedDataParallel):
    """MMEngine's wrapper that also works on CPUs and logs the losses of all ranks.

    Args:
        module: The model.
        device_ids: The GPU of this process; ignored on CPUs, where torch refuses it.
        kwargs: Further arguments of `torch.nn.parallel.DistributedDataParallel`.
    """

    def __init__(
        self, module: nn.Module, device_ids: list[int] | None = None, **kwargs: Any
    ) -> None:
        on_cpu = next(module.parameters()).device.type == 'cpu'
        super().__init__(module, device_ids=None if on_cpu else device_ids, **kwargs)

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Train on one batch.

        Returns:
            The losses by name, averaged over the ranks.
        """
        losses = super().train_step(data, optim_wrapper)
        mean = torch.stack([value.detach().float().reshape(()) for value in losses.values()])
        all_reduce(mean, op='mean')
        return dict(zip(losses, mean, strict=True))


@contextmanager
def patient_workers() -> Iterator[None]:
    """Keep the processes that load data through stop signals in the block."""
    _training[0] = 1
    try:
        yield
    finally:
        _training[0] = 0


class PatientWorker:
    """Start of a process that loads data: signals that stop the training do not stop it.

    Schedulers and Ctrl-C send them to all processes at once; the training needs this one until it
    has saved. A process that is not forked from the training ends at once.

    Args:
        start: What else is to be done at the start of a worker.
    """

    def __init__(self, start: Callable[[int], None] | None) -> None:
        self.start = start

    def __call__(self, worker_id: int) -> None:
        """Prepare the worker of this number."""
        for number in STOP_SIGNALS:
            signal.signal(number, _end_unless_training)
        if self.start is not None:
            self.start(worker_id)


def _end_unless_training(number: int, frame: FrameType | None) -> None:
    if not _training[0]:
        os._exit(128 + number)


def end_workers(loader: Any) -> None:
    """End the processes that a loader keeps between epochs, if it is one that does.

    Left to the garbage collector, which ends the queues to them first, each is waited for in vain
    for five seconds.
    """
    kept = getattr(loader, '_iterator', None)
    if kept is not None:
        kept._shutdown_workers()
        loader._iterator = None


def is_of_dead_worker(error: Exception) -> bool:
    """Whether PyTorch raised an error because a process that loads data has ended.

    It may end while a batch is waited for, or while a batch is fetched from it. An error of a data
    set in a living process is handed on with its own class, and with that start.
    """
    if FROM_WORKER.match(str(error)):
        return False
    return DEAD_WORKER in str(error) or isinstance(error, ConnectionError | EOFError)


def notice_deaths_between_iterations() -> None:
    """Take PyTorch's handler of dead workers away, to be called after loading has begun.

    It would raise anywhere, in the middle of an iteration too. Without it the death shows where the
    next batch is waited for, and the state can be saved.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
