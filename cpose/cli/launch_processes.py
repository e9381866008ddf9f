"""``torchrun`` that adds nothing to what its processes say about errors of the user and stops."""

import logging

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main as torchrun

USER_ERROR = 2
"""Exit code of a command after an error that the user can mend."""
BY_SIGNAL = 128
"""Exit codes above it are those of trainings that saved and stopped at a signal."""
ENDED_PROCESSES = 'torch.distributed.elastic.multiprocessing.api'
"""Logger that repeats what `ChildFailedError` says."""


def main() -> int:
    """Run torchrun on the words of the command line and return the exit code."""
    logging.getLogger(ENDED_PROCESSES).setLevel(logging.CRITICAL)
    try:
        torchrun()
    except ChildFailedError as error:
        _, first = error.get_first_failure()
        if first.exitcode != USER_ERROR and first.exitcode <= BY_SIGNAL:
            raise
        return first.exitcode
    except SignalException as stop:
        return BY_SIGNAL + int(stop.sigval)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
