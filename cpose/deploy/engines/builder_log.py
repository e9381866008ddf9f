"""What TensorRT says while it works."""

import logging
from typing import Any

from mmengine.logging import print_log

LEVELS = {
    'INTERNAL_ERROR': logging.ERROR,
    'ERROR': logging.ERROR,
    'WARNING': logging.WARNING,
    'INFO': logging.INFO,
    'VERBOSE': logging.DEBUG,
}
SERIOUS = ('INTERNAL_ERROR', 'ERROR')


def make_builder_log(module: Any, is_verbose: bool) -> Any:
    """Return an ``ILogger`` that keeps errors in ``errors`` and logs the rest.

    Args:
        module: ``tensorrt`` or ``tensorrt_rtx``.
        is_verbose: Log everything, else warnings only.
    """

    class BuilderLog(module.ILogger):
        """Errors are kept for the message of the exception that they lead to."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            """Take a message."""
            name = str(severity).rpartition('.')[2]
            if name in SERIOUS:
                self.errors.append(message.strip())
            if is_verbose or name == 'WARNING':
                level = logging.INFO if is_verbose else LEVELS[name]
                print_log(f'{module.__name__}: {message}', logger='current', level=level)

    return BuilderLog()
