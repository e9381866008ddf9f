"""Model files, written so that no incomplete one is left behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cpose.errors import OutputError
from cpose.files.atomic import atomic_file
from cpose.files.encrypted_file import sealed_bytes


def check_new_file(path: str | Path, may_replace: bool) -> None:
    """Check before long work that a file can be written.

    Args:
        path: The file.
        may_replace: Whether an existing file may be overwritten.

    Raises:
        OutputError: If the file exists, is a folder, or its folder is missing or read-only.
    """
    target = Path(path)
    if target.is_dir():
        raise OutputError(f'{target} is a folder. Name a file in it.')
    if target.exists() and not may_replace:
        raise OutputError(f'{target} exists. Choose another name, or overwrite it with --force.')
    if not target.parent.is_dir():
        raise OutputError(
            f'{target} cannot be written: there is no folder {target.parent}. Make it, or choose '
            'another file.'
        )
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(
            f'{target} cannot be written: no right to write in {target.parent}. Change its rights, '
            'or choose another file.'
        )


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
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f'{path} cannot be written: {error.strerror}. Choose another file or make room.'
        ) from error
