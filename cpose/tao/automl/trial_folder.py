"""The folders of a search and its trials, and who works in them."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cpose.engine.status_file import STATUS_NAME
from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable

LONGEST_WAIT = 120.0
"""Seconds that a training of a killed search may need to save and end."""


@dataclass(frozen=True)
class TrialFolder:
    """Folder of a trial.

    Attributes:
        path: The folder; made by `held`.
    """

    path: Path

    @property
    def spec(self) -> Path:
        """The spec that the trial trains."""
        return self.path / 'spec.yaml'

    @property
    def results(self) -> Path:
        """Checkpoints and logs."""
        return self.path / 'train'

    @property
    def status(self) -> Path:
        """Events of the training."""
        return self.results / STATUS_NAME

    @property
    def output(self) -> Path:
        """What the training printed."""
        return self.path / 'output.txt'

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process; the system lets go of it however the process ends.

        Raises:
            OutputError: If the folder cannot be made.
        """
        with self._open('search.lock') as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            yield

    def is_left(self) -> bool:
        """Whether the process that held the folder has ended; without the folder nobody knows."""
        if not (self.path / 'search.lock').is_file():
            return False
        with self._open('search.lock') as lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        return True

    @contextmanager
    def training_lock(self, longest_wait: float = LONGEST_WAIT) -> Iterator[BinaryIO]:
        """Wait until no training works here, and yield a locked file for the next one to inherit.

        Raises:
            OutputError: If one still works after ``longest_wait`` seconds.
        """
        end = time.monotonic() + longest_wait
        with self._open('train.lock') as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise OutputError(
                            'is still in use by a training of an earlier search',
                            place=FilePlace(self.path),
                            advice='End it',
                        ) from None
                    time.sleep(0.1)
            yield lock

    def _open(self, name: str) -> BinaryIO:
        return _open_lock(self.path / name)


def take_turn(folder: Path) -> BinaryIO:
    """Wait until no other process of a search chooses its next trial; closing the file ends it.

    An SQLite file alone would give a queued trial to two processes that ask at the same time.

    Args:
        folder: Of the search.

    Raises:
        OutputError: If the folder cannot be made.
    """
    turn = _open_lock(folder / 'turn.lock')
    fcntl.flock(turn, fcntl.LOCK_EX)
    return turn


def _open_lock(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open('ab')
    except OSError as error:
        raise unwritable(path, error, 'Choose another results_dir') from error
