"""A call that is timed in a process of its own, because it needs other settings of the process."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from measure import Clocked, clock


class OtherProcess:
    """A process that runs one call whenever it is asked to; itself a call for `time_calls`.

    Args:
        connection: Way to the process.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self) -> Clocked:
        """Run the call once; its times are those of the other process."""
        self._connection.send(True)
        return self._connection.recv()


@contextmanager
def other_process(
    make_call: Callable[..., Callable[[], Any]], *args: Any
) -> Iterator[OtherProcess]:
    """Start a process with the usual settings and end it after the block.

    Args:
        make_call: Makes the call there; a function of a module.
        *args: What it takes; sent to the process.
    """
    context = multiprocessing.get_context('spawn')
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, make_call, args), daemon=True)
    process.start()
    there.close()
    try:
        yield OtherProcess(here)
    finally:
        here.close()
        process.join()


def _serve(connection: Connection, make_call: Callable[..., Any], args: tuple[Any, ...]) -> None:
    call = make_call(*args)
    with suppress(EOFError):
        while connection.recv():
            connection.send(clock(call))
