"""One rule for outputs: they replace no input, and files of others only by order.

While a command or function of `cpose.apis` runs, what it reads is noted; everything that is written
is compared with that. What this project wrote tells so itself, see `is_own_file`.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from platform import node

from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable

DASH = '-'
"""Where a command writes a file, no name of one."""
MARK = b'written by cpose'
"""What pictures, plots and videos say of their origin."""
OWN_MARKS = (
    MARK,
    *(b'"cpose-predictions"', b'"cpose calibration cache', b'"is_camera_guessed":'),
    *(b'"AP50_3DIoU":', b'By the rules of TAO:', b"'Translated from "),
)
"""What stands in files of this project near their start or end; others are of somebody else."""
SEARCHED_BYTES = 1 << 16
LOCK_NAME = '.lock'
HOLDER = b'process'
"""How a lock file begins."""
HOLDER_BYTES = 200

Identity = tuple[int, int]


@dataclass
class _Ledger:
    """What was read and written: by device and inode, so that links are seen through."""

    may_replace: bool
    files: set[Identity] = field(default_factory=set)
    folders: set[Identity] = field(default_factory=set)
    written: set[Identity] = field(default_factory=set)


_ledger: ContextVar[_Ledger | None] = ContextVar('ledger', default=None)
_held: set[Identity] = set()
"""Lock files of this process: a lock of the system does not keep out its own process."""


@contextmanager
def outputs_guarded(may_replace: bool = False) -> Iterator[None]:
    """Refuse to write over what is noted by `note_input` from here on.

    Within another such block the outer one goes on.

    Args:
        may_replace: Whether files that this project did not write may be replaced.
    """
    token = _ledger.set(_ledger.get() or _Ledger(may_replace))
    try:
        yield
    finally:
        _ledger.reset(token)


def note_input(*paths: object) -> None:
    """Note what is read, where there is such a file or folder; other values are left out."""
    ledger = _ledger.get()
    for path in paths if ledger is not None else ():
        if not isinstance(path, str | Path) or not str(path):
            continue
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            continue
        assert ledger is not None
        if stat.S_ISDIR(status.st_mode):
            ledger.folders.add(_identity(status))
        elif stat.S_ISREG(status.st_mode):
            ledger.files.add(_identity(status))


def note_output(path: str | Path) -> None:
    """Note a file that was written, which may be written anew."""
    ledger, found = _ledger.get(), _status(path)
    if ledger is not None and found is not None:
        ledger.written.add(_identity(found))


def check_output(path: str | Path, argument: str | None = 'out') -> None:
    """Raise if a file would replace an input: one that is noted, or lies in a noted folder.

    Files of this project in a noted folder, such as results of an earlier run, are no inputs, nor
    are checkpoints there, and what this run has written itself.

    Args:
        path: What is to be written.
        argument: Name of the argument that gave the path.

    Raises:
        OutputError: If it is an input.
    """
    ledger, found = _ledger.get(), _status(path)
    if ledger is None or found is None or not stat.S_ISREG(found.st_mode):
        return
    if _identity(found) in ledger.written:
        return
    is_input = _identity(found) in ledger.files
    if not is_input and ledger.folders and not (_is_checkpoint(path) or is_own_file(path)):
        folders = (_status(folder) for folder in Path(os.path.realpath(path)).parents)
        is_input = any(item and _identity(item) in ledger.folders for item in folders)
    if is_input:
        raise OutputError(
            'is read by the same command, and an output never replaces an input',
            argument=argument,
            place=FilePlace(path),
            advice=f'Choose another {{{argument}}}' if argument else 'Choose another file',
        )


def _is_checkpoint(path: str | Path) -> bool:
    """Whether a file is called like those that a training writes, and no data set reads."""
    return Path(path).suffix == '.pth' or Path(path).name == 'last_checkpoint'


def check_replaceable(path: str | Path, argument: str | None = 'out') -> None:
    """Raise if a file would replace an input, or without an order a file of somebody else.

    Raises:
        OutputError: See `check_output`; or if the file is not one of this project.
    """
    check_output(path, argument)
    ledger, found = _ledger.get(), _status(path)
    if ledger is None or ledger.may_replace or found is None or not stat.S_ISREG(found.st_mode):
        return
    if not is_own_file(path):
        raise OutputError(
            'exists, and cpose did not write it',
            argument=argument,
            place=FilePlace(path),
            advice=('Choose another place', 'Replace it with {force}'),
        )


def check_outside(out: str | Path, *sources: str | Path, argument: str = 'out') -> None:
    """Raise if a folder to write to lies in one that is read, of which it would become a part.

    Args:
        out: The folder.
        sources: Folders of the inputs.
        argument: Name of the argument that gave it.

    Raises:
        OutputError: If it does.
    """
    path = Path(os.path.realpath(out))
    for source in sources:
        if Path(os.path.realpath(source)) in (path, *path.parents):
            raise OutputError(
                f'lies in {source}, which is read',
                argument=argument,
                place=FilePlace(out),
                advice='Give a folder outside',
            )


def prepare_new_folder(out: str | Path, source: str | Path, argument: str = 'out') -> Path:
    """Create the folder of files that are made from those of another one.

    Args:
        out: The folder; an empty one may be there.
        source: Folder of the inputs.
        argument: Name of the argument that gave it.

    Raises:
        OutputError: If it is there and not empty, lies inside the other folder, or cannot be made.
    """
    target = Path(out)
    check_outside(target, source, argument=argument)
    try:
        target.mkdir(parents=True, exist_ok=True)
        has_content = any(target.iterdir())
    except OSError as error:
        raise unwritable(target, error, 'Give another folder', argument=argument) from error
    if has_content:
        raise OutputError(
            'is not empty', argument=argument, place=FilePlace(target), advice='Give a new folder'
        )
    return target


def is_own_file(path: str | Path) -> bool:
    """Whether a file says that this project wrote it; an empty one is nobody's."""
    try:
        with open(path, 'rb') as file:
            size = os.fstat(file.fileno()).st_size
            text = file.read(SEARCHED_BYTES)
            file.seek(max(0, size - SEARCHED_BYTES))
            text += b'\0' + file.read(SEARCHED_BYTES)
    except OSError:
        return False
    return size == 0 or any(mark in text for mark in OWN_MARKS)


@contextmanager
def folder_held(folder: str | Path, argument: str = 'work_dir') -> Iterator[None]:
    """Hold a folder, so that no second run writes to it; the lock ends with this process.

    Args:
        folder: An existing folder. Where its drive knows no locks, nothing is held.
        argument: Name of the argument that gave it.

    Raises:
        OutputError: If another run holds it, or the lock cannot be written.
    """
    path = Path(folder, LOCK_NAME)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise unwritable(path, error, f'Choose another {{{argument}}}', argument) from error
    identity = _identity(os.fstat(descriptor))
    is_mine = False
    try:
        if identity in _held or not _lock(descriptor):
            holder = os.pread(descriptor, HOLDER_BYTES, 0).decode(errors='replace').strip()
            raise OutputError(
                f'is in use by another run{f" ({holder})" if holder else ""}',
                argument=argument,
                place=FilePlace(folder),
                advice=('Wait until that has ended', f'Choose another {{{argument}}}'),
            )
        is_mine = True
        _held.add(identity)
        _tell_holder(descriptor)
        yield
    finally:
        if is_mine:
            _held.discard(identity)
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file for this process alone: worker processes that outlive it must not hold it."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # some network drives know no locks
        return True
    return True


def is_run_folder(folder: str | Path) -> bool:
    """Whether a run has held a folder, see `folder_held`: what is in it are its outputs."""
    try:
        with open(Path(folder, LOCK_NAME), 'rb') as file:
            return file.read(len(HOLDER)) == HOLDER
    except OSError:
        return False


def _tell_holder(descriptor: int) -> None:
    begin = time.strftime('%Y-%m-%d %H:%M:%S')
    text = f'{HOLDER.decode()} {os.getpid()} on {node()} since {begin}\n'
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError:  # a full disk; the lock holds all the same
        return


def _status(path: str | Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
