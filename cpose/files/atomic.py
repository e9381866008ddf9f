"""Files that are at any moment the old or the new one, complete."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from cpose.errors import unwritable
from cpose.files.outputs import check_output, note_output

UNFINISHED_SUFFIX = '.unfinished'
ADVICE = ('Choose another place', 'Make room')


def write_text_atomic(
    path: str | Path, text: str | Iterable[str], advice: str | tuple[str, ...] = ADVICE
) -> None:
    """Write a text file atomically, see `write_atomic`.

    Raises:
        OutputError: If it cannot be written; an older file of that name is untouched.
    """
    parts = [text] if isinstance(text, str) else text
    write_atomic(path, (part.encode() for part in parts), advice)


def write_atomic(
    path: str | Path,
    content: bytes | Iterable[bytes],
    advice: str | tuple[str, ...] = ADVICE,
    argument: str | None = None,
    is_durable: bool = True,
) -> None:
    """Write a file atomically.

    Args:
        path: File; missing folders are created. Pipes and devices are written directly.
        content: Its bytes, whole or in pieces.
        advice: What to do if it cannot be written, see `UserError`.
        argument: Name of the argument that gave the path.
        is_durable: See `atomic_file`.

    Raises:
        OutputError: If it cannot be written; an older file of that name is untouched.
    """
    target = Path(path)
    is_special = target.exists() and not target.is_file()
    parts = [content] if isinstance(content, bytes) else content
    try:
        with target.open('wb') if is_special else atomic_file(target, is_durable) as file:
            file.writelines(parts)
    except OSError as error:
        raise unwritable(target, error, advice, argument) from error


def try_folder(folder: Path, name: str = '') -> None:
    """Make a folder if it is missing, and try whether a file can be made in it.

    Args:
        folder: The folder.
        name: What is to be written there; the file of the trial is called like it.

    Raises:
        OSError: If it cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f'.{name}.{uuid4().hex[:8]}.writable'
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW))
    probe.unlink(missing_ok=True)


@contextmanager
def atomic_file(path: Path, is_durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file that takes its name when it is complete, and is removed if it never is.

    Missing folders are created. Of several processes that write it at once the last one wins.

    Args:
        path: The file.
        is_durable: Whether it must outlast a power failure right after; that takes milliseconds,
            too long for one of thousands of results that can be made again.

    Raises:
        OutputError: If it would replace an input, see `check_output`.
    """
    check_output(path, None)
    unfinished = path.with_name(f'.{path.name}.{uuid4().hex[:8]}{UNFINISHED_SUFFIX}')
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open('xb') as file:
            _hold(file)
            yield file
            file.flush()
            if is_durable:
                os.fsync(file.fileno())
        unfinished.replace(path)
        note_output(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    if is_durable:
        _sync_folder(path.parent)


def remove_unfinished(folder: str | Path) -> None:
    """Remove what killed runs left of files that they were writing; nobody writes them now."""
    for path in Path(folder).glob(f'.*{UNFINISHED_SUFFIX}'):
        if path.is_symlink() or not path.is_file():
            continue
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
