"""The parts of TensorRT that can fail to start, and the log that tells why."""

import logging
from functools import cache
from typing import Any

from mmengine.logging import print_log

from cpose.errors import ConfigError

SERIOUS = ('INTERNAL_ERROR', 'ERROR')
NULL = 'returned nullptr'
"""In the ``TypeError`` that pybind11 raises where a factory of C++ makes nothing."""


def open_log(module: Any, is_verbose: bool = False) -> Any:
    """Return the log of a package, empty: an ``ILogger`` with ``take_errors``.

    There is one in a process, as TensorRT ignores others while parts that it started live.

    Args:
        module: ``tensorrt`` or ``tensorrt_rtx``.
        is_verbose: Pass everything on to the log of this process, else warnings only.
    """
    log = _make_log(module)
    log.is_verbose = is_verbose
    log.take_errors()
    return log


def start_part(module: Any, name: str, *args: Any) -> Any:
    """Return a new ``Builder``, ``OnnxParser`` or ``Runtime``.

    Args:
        module: ``tensorrt`` or ``tensorrt_rtx``.
        name: Which of them.
        *args: What it takes; the last is the log from `open_log`.

    Raises:
        ConfigError: If it does not start.
    """
    try:
        return getattr(module, name)(*args)
    except TypeError as error:
        if NULL not in str(error):
            raise
        raise ConfigError(
            f'{module.__name__} {module.__version__} cannot start its {name}: '
            f'{args[-1].take_errors()} Check with nvidia-smi that the GPU works and has free '
            'memory, and that the driver is new enough for this version.'
        ) from error


@cache
def _make_log(module: Any) -> Any:
    class TensorRTLog(module.ILogger):
        """Errors are kept for the message of the exception that they lead to."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.is_verbose = False
            self._errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            """Take a message."""
            name = str(severity).rpartition('.')[2]
            if name in SERIOUS:
                self._errors.append(message.strip().rstrip('.'))
            if self.is_verbose or name == 'WARNING':
                level = logging.WARNING if name == 'WARNING' else logging.INFO
                print_log(f'{module.__name__}: {message}', logger='current', level=level)

        def take_errors(self) -> str:
            """Return the errors since the last call as the end of a sentence."""
            errors, self._errors = self._errors, []
            return f'{"; ".join(errors) or "it gives no reason"}.'

    return TensorRTLog()
