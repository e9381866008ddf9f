"""Model files, written so that no incomplete one is left behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cpose.error_places import FilePlace
from cpose.errors import OutputError, unwritable
from cpose.files.atomic import atomic_file
from cpose.files.encrypted_file import sealed_bytes
from cpose.files.outputs import check_output

ANOTHER = 'Choose another file'


def check_new_file(path: str | Path, may_replace: bool) -> None:
    """Check before long work that a file can be written.

    Args:
        path: The file.
        may_replace: Whether an existing file may be overwritten.

    Raises:
        OutputError: If the file exists, is a folder or an input, or its folder is missing or
            read-only.
    """
    target = Path(path)
    check_output(target)
    if target.is_dir():
        raise _not_writable(target, 'is a folder', 'Name a file in it')
    if target.exists() and not may_replace:
        raise _not_writable(target, 'exists', ANOTHER, 'Overwrite it with {force}', 'Remove it')
    if not target.parent.is_dir():
        problem = f'cannot be written: there is no folder {target.parent}'
        raise _not_writable(target, problem, 'Make it', ANOTHER)
    if not os.access(target.parent, os.W_OK | os.X_OK):
        problem = f'cannot be written: no right to write in {target.parent}'
        raise _not_writable(target, problem, 'Change its rights', ANOTHER)


def _not_writable(target: Path, problem: str, *advice: str) -> OutputError:
    return OutputError(problem, argument='out', place=FilePlace(target), advice=advice)


def write_model_atomic(path: str | Path, content: bytes) -> None:
    """Write a model as `write_bytes_atomic` does, encrypted if there is a key.

    Raises:
        OutputError: If it cannot be written.
    """
    write_bytes_atomic(path, sealed_bytes(content))


def write_bytes_atomic(path: str | Path, content: bytes) -> None:
    """Write a file so that it is either complete or as it was before.

    Raises:
        OutputError: If it cannot be written.
    """
    with replaced_at_end(path, content):
        pass


@contextmanager
def replaced_at_end(path: str | Path, content: bytes) -> Iterator[None]:
    """Write a file, which takes its place when the block ends without an error.

    Args:
        path: The file.
        content: Written before the block begins, so that a full disk is known by then.

    Raises:
        OutputError: If it cannot be written.
    """
    try:
        with atomic_file(Path(path)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            yield
    except OSError as error:
        raise unwritable(path, error, (ANOTHER, 'Make room')) from error
