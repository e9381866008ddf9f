"""Frames of cameras that come faster than they are used: the newest one wins."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar('Item')
JOIN_SECONDS = 2.0
"""Longest time that the end of a reading waits for a camera that does not answer."""


@dataclass(frozen=True)
class Arrival(Generic[Item]):
    """What came from a camera.

    Attributes:
        item: Image or message.
        number: How many came before it, also those that were left out.
        received: When it came, seconds of `time.monotonic`.
    """

    item: Item
    number: int
    received: float


class NewestFrame(Generic[Item]):
    """Hold the newest of what one thread puts in until another one takes it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: Arrival[Item] | None = None
        self._count = 0
        self._is_closed = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> None:
        """Put something in, in the place of what has not been taken."""
        with self._changed:
            self._newest = Arrival(item, self._count, time.monotonic())
            self._count += 1
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """Let the takers end after the last one; with an error they raise it."""
        with self._changed:
            self._is_closed, self._error = True, error
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Return whether nothing more comes, or is wanted."""
        return self._is_closed

    def __iter__(self) -> Iterator[Arrival[Item]]:
        """Yield the newest one again and again, each once, and wait for it."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._is_closed)
                arrival, self._newest = self._newest, None
            if arrival is None:
                if self._error is not None:
                    raise self._error
                return
            yield arrival


@contextmanager
def reading(read: Callable[[], Any]) -> Iterator[NewestFrame[Any]]:
    """Call a function in a thread of its own as long as it returns something.

    Args:
        read: Returns the next image, None at the end.
    """
    newest: NewestFrame[Any] = NewestFrame()

    def run() -> None:
        try:
            while not newest.is_closed:
                item = read()
                if item is None:
                    break
                newest.put(item)
        except BaseException as error:  # noqa: BLE001  the taker raises it
            newest.close(error)
        else:
            newest.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield newest
    finally:
        newest.close()
        thread.join(JOIN_SECONDS)
