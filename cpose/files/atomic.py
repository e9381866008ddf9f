"""Files that are at any moment the old or the new one, complete."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from cpose.errors import unwritable

UNFINISHED_SUFFIX = '.unfinished'
ADVICE = ('Choose another place', 'Make room')


def write_text_atomic(
    path: str | Path, text: str | Iterable[str], advice: str | tuple[str, ...] = ADVICE
) -> None:
    """Write a text file atomically.

    Args:
        path: File; missing folders are created. Pipes and devices are written directly.
        text: Text, whole or in pieces.
        advice: What to do if it cannot be written, see `UserError`.

    Raises:
        OutputError: If it cannot be written; an older file of that name is untouched.
    """
    target = Path(path)
    is_special = target.exists() and not target.is_file()
    parts = [text] if isinstance(text, str) else text
    try:
        with target.open('wb') if is_special else atomic_file(target) as file:
            file.writelines(part.encode() for part in parts)
    except OSError as error:
        raise unwritable(target, error, advice) from error


def try_folder(folder: Path, name: str = '') -> None:
    """Make a folder if it is missing, and try whether a file can be made in it.

    Args:
        folder: The folder.
        name: What is to be written there; the file of the trial is called like it.

    Raises:
        OSError: If it cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f'.{name}.writable'
    probe.touch()
    probe.unlink(missing_ok=True)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name when it is complete, and is removed if it never is.

    Missing folders are created. Of several processes that write it at once the last one wins.
    """
    unfinished = path.with_name(f'.{path.name}.{uuid4().hex[:8]}{UNFINISHED_SUFFIX}')
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open('wb') as file:
            _hold(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    _sync_folder(path.parent)


def remove_unfinished(folder: str | Path) -> None:
    """Remove what killed runs left of files that they were writing; nobody writes them now."""
    for path in Path(folder).glob(f'.*{UNFINISHED_SUFFIX}'):
        with suppress(FileNotFoundError), path.open('rb+') as file:
            if _hold(file):
                path.unlink()


def _hold(file: BinaryIO) -> bool:
    """Lock a file until it is closed; return whether no other process had."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network drives know no locks
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
