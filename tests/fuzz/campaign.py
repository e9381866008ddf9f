"""Run attacks in processes that may hang or die, and count what happened."""

import json
import multiprocessing
import os
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cpose.errors import UserError

from .targets import TARGETS

MOST_SECONDS = 20
"""A longer input hangs. Time in which it waited for a processor does not count, see `Clock`."""
MOST_PREPARING = 300
"""Seconds in which a target has to be ready; they count by no input."""
MOST_STEP = 2
"""Seconds between two looks at a worker; what is above is a machine that stood still."""
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
        seconds: Processor time.
    """

    target: str
    number: int
    kind: str
    detail: str = ''
    seconds: float = 0


def attack(target: str, number: int, seed: int, prepared) -> Outcome:
    """Run one input; ``prepared`` is the target."""
    rng = np.random.default_rng([seed, list(TARGETS).index(target), number])
    start = time.process_time()
    outcome = _attack(target, number, rng, prepared)
    return outcome._replace(seconds=round(time.process_time() - start, 2))


def _attack(target: str, number: int, rng: np.random.Generator, prepared) -> Outcome:
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
    workers = [Worker(seed) for _ in range(processes)]
    try:
        yield from _hand_out(iter(inputs), workers)
    finally:
        for worker in workers:
            worker.stop()


def _hand_out(waiting: Iterator[tuple[str, int]], workers: Sequence['Worker']) -> Iterator[Outcome]:
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


class Worker:
    """A process that runs inputs, and is made anew when it hangs or dies."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.task: tuple[str, int] | None = None
        self._begin()

    def start(self, task: tuple[str, int]) -> None:
        self.task, self.clock = task, Clock(self.process.pid)
        self.most = MOST_PREPARING
        self.pipe.send(task)

    def collect(self, is_ready: bool) -> Outcome | None:
        """Return the outcome if there is one."""
        assert self.task
        outcome = None
        if is_ready:
            try:
                outcome = self.pipe.recv()
            except (EOFError, OSError):
                outcome = Outcome(*self.task, 'died', f'exit code {self.process.exitcode}')
                self._renew()
            if outcome is None:
                self.clock, self.most = Clock(self.process.pid), MOST_SECONDS
        elif self.clock.read() > self.most:
            outcome = Outcome(*self.task, 'hang', f'more than {self.most} s')
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
        self.pipe, other = multiprocessing.Pipe()
        context = multiprocessing.get_context('spawn')
        self.process = context.Process(target=_work, args=(other, self.seed))
        self.process.start()
        other.close()


class Clock:
    """Seconds of a process, without those in which others had the processors.

    A loop without end and a wait for something that never comes both count; a loaded machine does
    not. Linux tells how long the main thread stood in the queue of a processor.
    """

    def __init__(self, pid: int) -> None:
        self.file = Path(f'/proc/{pid}/schedstat')
        self.seconds = 0.0
        self.last, self.queued = time.monotonic(), self._queued()

    def read(self) -> float:
        """Return the seconds since the start; called about once a second."""
        now, queued = time.monotonic(), self._queued()
        step = min(now - self.last, MOST_STEP) - (queued - self.queued)
        self.seconds += max(step, 0)
        self.last, self.queued = now, queued
        return self.seconds

    def _queued(self) -> float:
        return int(self.file.read_text().split()[1]) / 1e9 if self.file.is_file() else 0.0


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
            pipe.send(None)  # ready: from here on the input is timed
            with open(os.devnull, 'w') as sink, redirect_stdout(sink), redirect_stderr(sink):
                outcome = attack(target, number, seed, prepared)
            if _peak() - base > MOST_BYTES:
                outcome = outcome._replace(kind='memory', detail=f'{_peak() - base:,} bytes')
                base = _peak()
            pipe.send(outcome)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read_log(file: Path, seed: int) -> list[Outcome]:
    """Return the outcomes that an earlier campaign of a seed wrote, without a line cut off."""
    lines = file.read_text().split('\n')[:-1] if file.is_file() else []
    entries = [json.loads(line) for line in lines]
    return [Outcome(*entry[1:]) for entry in entries if entry[0] == seed]


def count_outcomes(outcomes: Iterable[Outcome]) -> dict[str, Counter[str]]:
    """Return how often each kind came, by target."""
    found: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.target, Counter())[outcome.kind] += 1
    return found
