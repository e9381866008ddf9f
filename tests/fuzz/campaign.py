"""Run attacks in processes that may hang or die, and count what happened."""

import multiprocessing
import os
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cpose.errors import UserError

from .targets import TARGETS

MOST_SECONDS = 20
"""A longer input hangs."""
MOST_BYTES = 1 << 30
"""Memory above that of the process when it is ready."""
FAULTS = ('traceback', 'changed', 'hang', 'memory', 'died')


class Outcome(NamedTuple):
    """What an input did.

    Attributes:
        target: Name in `TARGETS`.
        number: Number of the input; with the seed it makes the input again.
        kind: ``accepted``, ``refused`` or one of `FAULTS`.
        detail: Message or traceback.
    """

    target: str
    number: int
    kind: str
    detail: str = ''


def attack(target: str, number: int, seed: int, prepared) -> Outcome:
    """Run one input; ``prepared`` is the target."""
    rng = np.random.default_rng([seed, list(TARGETS).index(target), number])
    try:
        is_same = prepared.attack(rng)
    except UserError as error:
        return Outcome(target, number, 'refused', str(error))
    except (Exception, SystemExit):  # noqa: BLE001  the faults that are looked for
        return Outcome(target, number, 'traceback', traceback.format_exc(limit=-4))
    return Outcome(target, number, 'accepted' if is_same else 'changed')


def prepare(target: str, folder: Path):
    """Return a target that is ready, silent."""
    prepared = TARGETS[target]()
    with open(os.devnull, 'w') as sink, redirect_stdout(sink), redirect_stderr(sink):
        prepared.prepare(folder)
    return prepared


def run_campaign(inputs: Iterable[tuple[str, int]], seed: int, processes: int) -> Iterator[Outcome]:
    """Yield the outcome of every input, in any order.

    Args:
        inputs: Names of targets and numbers, those of one target together.
        seed: Seed of all.
        processes: How many work at once.
    """
    waiting = iter(inputs)
    workers = [_Worker(seed) for _ in range(processes)]
    idle = list(workers)
    while True:
        for worker in list(idle):
            task = next(waiting, None)
            if task is None:
                break
            worker.start(task)
            idle.remove(worker)
        busy = [worker for worker in workers if worker.task]
        if not busy:
            break
        ready = wait([worker.pipe for worker in busy], timeout=1)
        for worker in busy:
            outcome = worker.collect(worker.pipe in ready)
            if outcome:
                yield outcome
                idle.append(worker)
    for worker in workers:
        worker.stop()


class _Worker:
    """A process that runs inputs, and is made anew when it hangs or dies."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.task: tuple[str, int] | None = None
        self._begin()

    def start(self, task: tuple[str, int]) -> None:
        self.task, self.since = task, time.monotonic()
        self.pipe.send(task)

    def collect(self, is_ready: bool) -> Outcome | None:
        """Return the outcome if there is one."""
        assert self.task
        outcome = None
        if is_ready:
            try:
                outcome = self.pipe.recv()
                self.patience = 0
            except (EOFError, OSError):
                outcome = Outcome(*self.task, 'died', f'exit code {self.process.exitcode}')
                self._renew()
        elif time.monotonic() - self.since > MOST_SECONDS + self.patience:
            outcome = Outcome(*self.task, 'hang', f'more than {MOST_SECONDS} s')
            self._renew()
        if outcome:
            self.task = None
        return outcome

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

    def _renew(self) -> None:
        self.stop()
        self._begin()

    def _begin(self) -> None:
        self.patience = 60
        """Seconds to get ready, until the first outcome."""
        self.pipe, other = multiprocessing.Pipe()
        context = multiprocessing.get_context('spawn')
        self.process = context.Process(target=_work, args=(other, self.seed), daemon=True)
        self.process.start()
        other.close()


def _work(pipe: Connection, seed: int) -> None:
    name, prepared, base = '', None, 0
    # Decoders written in C tell about damaged files on their own.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with tempfile.TemporaryDirectory() as root:
        while True:
            target, number = pipe.recv()
            if target != name:
                folder = Path(root, target)
                folder.mkdir(exist_ok=True)
                name, prepared = target, prepare(target, folder)
                base = _peak()
            with open(os.devnull, 'w') as sink, redirect_stdout(sink), redirect_stderr(sink):
                outcome = attack(target, number, seed, prepared)
            if _peak() - base > MOST_BYTES:
                outcome = outcome._replace(kind='memory', detail=f'{_peak() - base:,} bytes')
                base = _peak()
            pipe.send(outcome)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def count_outcomes(outcomes: Iterable[Outcome]) -> dict[str, Counter[str]]:
    """Return how often each kind came, by target."""
    found: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.target, Counter())[outcome.kind] += 1
    return found
