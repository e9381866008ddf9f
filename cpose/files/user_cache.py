"""The user's cache: where files of the web are kept, whether they are right, whose turn it is."""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cpose.error_places import FilePlace
from cpose.errors import CheckpointError

CACHE_VARIABLE = 'CPOSE_CACHE'
BLOCK_BYTES = 1 << 20
ODD_CHARACTERS = re.compile(r'[^\w.+-]')


def cache_folder() -> Path:
    """Return the user's cache folder: ``CPOSE_CACHE``, or ``cpose`` in the one of XDG."""
    home = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    return Path(os.environ.get(CACHE_VARIABLE) or os.path.join(home, 'cpose'))


def cached_path(url: str) -> Path:
    """Return where the file of an address is kept; it has the ending that it has there."""
    name = ODD_CHARACTERS.sub('_', Path(unquote(urlsplit(url).path)).name).lstrip('.')
    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    return cache_folder() / 'weights' / digest / (name or 'file')


def check_sha256(path: Path, expected: str | None, origin: str) -> None:
    """Compare a file with its checksum, if that is known.

    Args:
        path: The file.
        expected: SHA-256 in hexadecimal digits.
        origin: Where it is from, for the message.

    Raises:
        CheckpointError: If they differ.
    """
    found = file_sha256(path) if expected else ''
    if expected and found != expected.lower():
        raise CheckpointError(
            f'has the SHA-256 {found}, expected {expected}: it is damaged or was replaced',
            place=FilePlace(origin),
            advice='Download it again; if that does not help, tell who published it',
        )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of the content of a file in hexadecimal digits."""
    total = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(BLOCK_BYTES):
            total.update(block)
    return total.hexdigest()


def is_right(path: Path, sha256: str | None) -> bool:
    """Whether a file is there and has its checksum, if that is known."""
    return path.is_file() and (not sha256 or file_sha256(path) == sha256.lower())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock, and hold it."""
    with path.open('ab') as file:
        with suppress(OSError):  # some network drives know no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
