"""A report of what no command expected."""

import os
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from cpose import __version__

PACKAGES = ('torch', 'torchvision', 'mmengine', 'numpy', 'opencv-python', 'onnxruntime')


def write_crash_report(error: BaseException, words: Sequence[str]) -> str:
    """Write what is needed to find the cause; return the path of the file.

    Args:
        error: What was raised.
        words: The command line; an encryption key in it is made unreadable.

    Raises:
        OSError: If there is no place for the file.
    """
    from cpose.files.encryption_key import hide_key

    text = '\n'.join(
        [
            f'cpose {__version__}, Python {platform.python_version()}, {platform.platform()}',
            ', '.join(f'{package} {_version(package)}' for package in PACKAGES),
            f'Command: {shlex.join(["cpose", *words])}',
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
    what = f'cpose {command}: unexpected {type(error).__name__}: {error}'.rstrip(': ')
    try:
        report = write_crash_report(error, words)
    except OSError:
        traceback.print_exception(error, file=sys.stderr)
        return f'{what}\n'
    return f'{what}\nThe report with the traceback is {report}; --debug shows the traceback here.\n'


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return 'missing'
