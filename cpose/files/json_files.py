"""JSON files: written atomically, strict JSON (null for what is not finite)."""

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

from cpose.error_places import FilePlace
from cpose.errors import DataError, OutputError, unreadable
from cpose.files.atomic import write_text_atomic


def check_writable(path: str | Path) -> None:
    """Check before long work that its result can be written; leaves an existing file alone.

    Raises:
        OutputError: If the file cannot be written.
    """
    target = Path(path)
    if os.path.exists(target) and not os.path.isfile(target) and not os.path.isdir(target):
        return
    probe = target.with_name(f'.{target.name}.writable')
    try:
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        is_below_file = isinstance(error, FileExistsError)
        reason = f'{target.parent} is not a folder' if is_below_file else error.strerror
        raise OutputError(
            f'cannot be written: {reason}', place=FilePlace(target), advice='Choose another file'
        ) from error


def write_json(path: str | Path, content: Any) -> None:
    """Write one indented JSON document; NaN and infinity become null.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_text_atomic(path, [json.dumps(finite_or_null(content), indent=1), '\n'])


def read_json(path: str | Path) -> Any:
    """Read a JSON document.

    Raises:
        DataError: If the file is unreadable or not JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise DataError(
            f'is not valid JSON ({error}), it may be truncated',
            place=FilePlace(path),
            advice='Write it again',
        ) from error
    except RecursionError as error:
        raise DataError(
            'is nested too deeply', place=FilePlace(path), advice='Write it again'
        ) from error


def finite_or_null(content: Any) -> Any:
    """Return nested dicts, lists and numbers with None for numbers that are not finite."""
    if isinstance(content, dict):
        return {key: finite_or_null(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite_or_null(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
