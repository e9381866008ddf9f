"""The process of a command: its streams, warnings and memory, and the report of a crash."""

import ctypes
import io
import os
import platform
import shlex
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

from cpose import __version__
from cpose.cli.option_values import tell_flags
from cpose.errors import UserError


@contextmanager
def plain_warnings(flags: dict[str, str]) -> Iterator[None]:
    """Let warnings be lines of text on stderr, each once, without the code that they come from.

    Args:
        flags: Options by the arguments that warnings may name, see `command_flags`.
    """

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if isinstance(message, UserError):
            tell_flags(message, flags)
        sys.stderr.write(f'Warning: {message}\n')

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Let the C library keep what is freed for the next layer instead of returning it.

    The maps of a network are larger than the blocks that glibc keeps: each is mapped anew and
    filled with zeros page by page. Kept, they make networks on processors 5 to 10 % faster. The
    process then holds as much memory as it ever needed. Other C libraries are left as they are.

    Source: the manual page mallopt(3).
    """
    if platform.libc_ver()[0] == 'glibc':
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, LARGEST)


class LastingStream:
    """A text stream that swallows what cannot be written, and remembers why.

    A stream that was closed before the start, which Python has as None, swallows all.

    Attributes:
        failure: The first error of the stream itself, None if all could be written. Characters that
            its encoding lacks are no failure, they are written as escapes.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.failure: OSError | ValueError | None = None
        self._stream: Any = io.StringIO() if stream is None else stream
        if hasattr(self._stream, 'reconfigure'):
            self._stream.reconfigure(errors='backslashreplace')

    def write(self, text: str) -> int:
        """Write what can be written; return the length of the text."""
        if self.failure is None:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self.failure is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return not self._stream.closed and self._stream.isatty()

    def _give_up(self, error: OSError | ValueError) -> None:
        """Remember the error; what is buffered goes nowhere, also when Python ends."""
        self.failure = error
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            return  # closed, or no file of the system

    def __getattr__(self, name: str) -> Any:
        """Return what else the stream has."""
        return getattr(self._stream, name)


@contextmanager
def lasting_output() -> Iterator[tuple[LastingStream, LastingStream]]:
    """Let writing to stdout and stderr never fail; yields both."""
    before = sys.stdout, sys.stderr
    streams = LastingStream(before[0]), LastingStream(before[1])
    sys.stdout, sys.stderr = streams
    try:
        yield streams
    finally:
        for stream in streams:
            stream.flush()
        sys.stdout, sys.stderr = before


def lost_output(stream: LastingStream) -> str | None:
    """Return why output is lost that somebody waits for; a reader that went away does not."""
    is_lost = stream.failure is not None and not isinstance(stream.failure, BrokenPipeError)
    return str(stream.failure) if is_lost else None


PACKAGES = ('torch', 'torchvision', 'mmengine', 'numpy', 'opencv-python', 'onnxruntime')


def write_crash_report(error: BaseException, words: Sequence[str]) -> str:
    """Write what is needed to find the cause; return the path of the file.

    Args:
        error: What was raised.
        words: The command line; an encryption key in it is made unreadable.

    Raises:
        OSError: If there is no place for the file.
    """
    from cpose.files.encryption_key import hide_key, hide_key_options

    text = '\n'.join(
        [
            f'cpose {__version__}, Python {platform.python_version()}, {platform.platform()}',
            ', '.join(f'{package} {_version(package)}' for package in PACKAGES),
            f'Command: {shlex.join(["cpose", *hide_key_options(words)])}',
            f'Folder: {os.getcwd()}',
            '',
            ''.join(traceback.format_exception(error)),
        ]
    )
    handle, path = tempfile.mkstemp(prefix='cpose-report-', suffix='.txt')
    with open(handle, 'w', encoding='utf-8', errors='backslashreplace') as file:
        file.write(hide_key(text))
    return path


def describe_crash(error: BaseException, command: str, words: Sequence[str]) -> str:
    """Return one message about an error that no command expected, with the path of its report."""
    from cpose.files.encryption_key import hide_key

    text = f'cpose {command}: unexpected {type(error).__name__}: {error}'
    what = hide_key(text).rstrip(': ')
    try:
        report = write_crash_report(error, words)
    except OSError:
        sys.stderr.write(hide_key(''.join(traceback.format_exception(error))))
        return f'{what}\n'
    return f'{what}\nThe report with the traceback is {report}; --debug shows the traceback here.\n'


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return 'missing'
