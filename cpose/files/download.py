"""Files of the web: downloaded once into the user's cache, and checked."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cpose import __version__
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, OutputError, unwritable
from cpose.files.user_cache import (
    CACHE_VARIABLE,
    cached_path,
    check_sha256,
    is_right,
    locked,
)

TIMEOUT = 10.0
"""Seconds that a server gets for each answer."""
ATTEMPTS = 3
"""How often in a row a connection may be cut off without a single new byte."""
BLOCK_BYTES = 1 << 20
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416

Advance = Callable[[int, int | None], None]
"""Takes the bytes that are there and the bytes in all, None if the server does not tell."""


class _CutOffError(Exception):
    """The connection ended before the file did."""


def download(url: str, sha256: str | None = None) -> Path:
    """Return a file of the web in the user's cache, downloaded if it is not there.

    Of several processes one downloads and the others wait. What was cut off is continued if the
    server can do that and the file did not change meanwhile. The file appears when it is complete.

    Args:
        url: Address, ``https://`` or ``http://``.
        sha256: Checksum in hexadecimal digits, compared on every call.

    Raises:
        CheckpointError: If it cannot be downloaded, or has another checksum.
        OutputError: If the cache cannot be written to.
    """
    target = cached_path(url)
    if is_right(target, sha256):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f'{target.name}.lock')):
            if not is_right(target, sha256):
                _download_to(target, url, sha256)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        advice = ('Make room', f'Set {CACHE_VARIABLE} to another folder')
        raise unwritable(target, error, advice) from error
    return target


def why_unreachable(url: str, timeout: float = TIMEOUT) -> str:
    """Return why a server does not answer; empty if it does, be it with an error.

    Args:
        url: Address; proxies of the environment are used.
        timeout: Seconds for everything, looking up the name included.
    """
    answers: list[str] = []
    # Looking up a name takes no timeout of its own, so it is left behind in a thread.
    thread = Thread(target=lambda: answers.append(_ask(url, timeout)), daemon=True)
    thread.start()
    thread.join(timeout)
    return answers[0] if answers else f'no answer within {timeout:g} s'


def no_download(name: str, reason: str) -> CheckpointError:
    """Return the error of the user for a file that cannot be downloaded."""
    return CheckpointError(
        f'cannot be downloaded: {reason}',
        place=FilePlace(name),
        advice='Download it where there is a network and give the path of the file instead',
    )


def _ask(url: str, timeout: float) -> str:
    try:
        with urlopen(Request(url, method='HEAD'), timeout=timeout):
            return ''
    except HTTPError:
        return ''
    except (OSError, ValueError, HTTPException) as error:
        return _reason(error)


def _reason(error: Exception) -> str:
    return str(getattr(error, 'reason', error)) or type(error).__name__


def _download_to(target: Path, url: str, sha256: str | None) -> None:
    """Download in as many connections as it takes, check, and give the file its name."""
    reason = why_unreachable(url)
    if reason:
        raise no_download(url, reason)
    partial = target.with_name(f'{target.name}.partial')
    failures = 0
    with _progress(target.name) as advance:
        while True:
            before = _size(partial)
            try:
                _fetch(url, partial, bool(sha256), advance)
                break
            except _CutOffError as error:
                failures = 0 if _size(partial) > before else failures + 1
                if failures == ATTEMPTS:
                    raise no_download(url, f'{error}; the next try continues there') from error
    try:
        check_sha256(partial, sha256, url)
    except CheckpointError:
        partial.unlink()
        raise
    finally:
        _validator_file(partial).unlink(missing_ok=True)
    partial.replace(target)


def _fetch(url: str, partial: Path, has_checksum: bool, advance: Advance) -> None:
    """Write what one connection gives, behind what is there if the server continues it."""
    start, headers = _resumption(partial, has_checksum)
    with _opened(url, headers, partial) as answer:
        if not (answer.status == PARTIAL_CONTENT and _first_byte(answer) == start):
            start = 0
            partial.unlink(missing_ok=True)  # a kill here must not leave old bytes for a new file
            _keep_validator(partial, answer.headers)
        _copy(answer, partial, start, advance)


def _opened(url: str, headers: dict[str, str], partial: Path) -> Any:
    """Return the answer of the server."""
    request = Request(url, headers={'User-Agent': f'cpose/{__version__}', **headers})
    try:
        return urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == RANGE_NOT_SATISFIABLE and headers:
            partial.unlink()
            raise _CutOffError('what was kept is longer than the file') from error
        reason = f'the server says {error.code} {error.reason}'
        raise no_download(url, reason) from error
    except (OSError, HTTPException) as error:
        raise no_download(url, _reason(error)) from error


def _copy(answer: Any, partial: Path, start: int, advance: Advance) -> None:
    length = answer.headers.get('Content-Length') or ''
    total = start + int(length) if length.isdecimal() and len(length) < 20 else None
    done = start
    with partial.open('ab' if start else 'wb') as file:
        advance(done, total)
        while block := _read(answer, done, total):
            file.write(block)
            done += len(block)
            advance(done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise _CutOffError(f'cut off after {done} of {total} bytes')


def _read(answer: Any, done: int, total: int | None) -> bytes:
    """Return the next bytes; errors of the connection are told from those of the disk."""
    try:
        block: bytes = answer.read1(BLOCK_BYTES)
    except (OSError, HTTPException) as error:
        of_all = '' if total is None else f' of {total}'
        text = f'cut off after {done}{of_all} bytes ({_reason(error)})'
        raise _CutOffError(text) from error
    return block


def _resumption(partial: Path, has_checksum: bool) -> tuple[int, dict[str, str]]:
    """Return how many bytes are kept, and the headers that ask for the rest.

    Without a checksum only a file is continued of which the server can tell that it is the same.
    """
    start, file = _size(partial), _validator_file(partial)
    validator = file.read_text(encoding='utf-8') if file.is_file() else ''
    if not start or not (validator or has_checksum):
        return 0, {}
    condition = {'If-Range': validator} if validator else {}
    return start, {'Range': f'bytes={start}-', **condition}


def _keep_validator(partial: Path, headers: Any) -> None:
    """Keep by what the server tells later whether the file is still the same."""
    tag = headers.get('ETag', '')
    validator = tag if tag.startswith('"') else headers.get('Last-Modified', '')
    _validator_file(partial).write_text(validator, encoding='utf-8')


def _validator_file(partial: Path) -> Path:
    return partial.with_name(f'{partial.name}.validator')


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _first_byte(answer: Any) -> int:
    match = re.match(r'bytes (\d+)-', answer.headers.get('Content-Range', ''))
    return int(match[1]) if match else -1


@contextmanager
def _progress(name: str) -> Iterator[Advance]:
    """Show a bar where a person looks at it."""
    from rich.console import Console  # its import takes longer than to find a file in the cache
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    console = Console(file=sys.stderr)
    columns = ('[progress.description]{task.description}', BarColumn())
    with Progress(
        *columns,
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
