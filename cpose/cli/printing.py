"""Printing that never ends a command: its results are in files."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


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
