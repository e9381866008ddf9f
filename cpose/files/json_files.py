"""Write JSON files; check the fields of parsed JSON by file and field."""

import errno
import json
import math
import os
from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np

from cpose.error_places import FilePlace
from cpose.errors import DataError, OutputError
from cpose.files.atomic import try_folder, write_text_atomic
from cpose.files.outputs import DASH, check_replaceable

SHOWN_CHARACTERS = 80
MAX_SIDE = 1 << 20
"""Pixels; OpenCV reads no larger images."""


def check_writable(path: str | Path) -> None:
    """Check before long work that its result can be written; leaves an existing file alone.

    Raises:
        OutputError: If the file cannot be written, or may not be, see `check_replaceable`.
    """
    if not _is_special(path):
        check_replaceable(path)
        check_place(path)


def check_place(path: str | Path) -> None:
    """Check before long work that there is a place for a file, whatever is there now.

    Raises:
        OutputError: If it is a folder or a dash, or its folder is none or cannot be written to.
    """
    if str(path) == DASH:
        raise OutputError(
            'does not stand for the standard output here',
            place=FilePlace(path),
            advice=('Name a file', 'Print it by /dev/stdout'),
        )
    if _is_special(path):
        return
    target = Path(path)
    try:
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try_folder(target.parent, target.name)
    except OSError as error:
        is_below_file = isinstance(error, FileExistsError)
        reason = f'{target.parent} is not a folder' if is_below_file else error.strerror
        raise OutputError(
            f'cannot be written: {reason}', place=FilePlace(target), advice='Choose another file'
        ) from error


def _is_special(path: str | Path) -> bool:
    """Whether it is a pipe or device, which is written as it is."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def write_json(path: str | Path, content: Any) -> None:
    """Write one indented JSON document; NaN and infinity become null.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_text_atomic(path, json_text(content))


def json_text(content: Any) -> str:
    """Return one indented JSON document with its end of line; NaN and infinity become null."""
    return json.dumps(finite_or_null(content), indent=1) + '\n'


def finite_or_null(content: Any) -> Any:
    """Return nested dicts, lists and numbers with None for numbers that are not finite."""
    if isinstance(content, dict):
        return {key: finite_or_null(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite_or_null(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


class JsonFields:
    """One JSON object with its file and its place in it.

    Null counts as absent.

    Args:
        content: Parsed JSON; must be an object.
        path: File name for messages.
        prefix: Place of the object in the file, such as ``objects[2].``.
    """

    def __init__(self, content: Any, path: str, prefix: str = '') -> None:
        self._path = path
        self._prefix = prefix
        if not isinstance(content, dict):
            where = 'is' if prefix else 'is at its top level'
            raise DataError(
                f'{where} {_short(content)}, expected a JSON object',
                place=FilePlace(path, prefix[:-1]),
                advice='Write the file in the TAO CenterPose format',
            )
        self._content = content

    def place(self, name: str) -> FilePlace:
        """Return file and field."""
        return FilePlace(self._path, f'{self._prefix}{name}')

    def error(self, name: str, problem: str) -> DataError:
        """Return the error for a wrong value; ``problem`` says what it must be."""
        value = self._content.get(name)
        return DataError(problem, value=value, place=self.place(name), advice='Correct the file')

    def has(self, name: str) -> bool:
        """Return whether the field is present and not null."""
        return self._content.get(name) is not None

    def get(self, name: str) -> Any:
        """Return the raw value, None if absent."""
        return self._content.get(name)

    def rest(self, names: Container[str]) -> dict[str, Any]:
        """Return the raw values of all other fields than the named ones."""
        return {
            name: value
            for name, value in self._content.items()
            if name not in names and value is not None
        }

    def value(self, name: str) -> Any:
        """Return the raw value of a required field."""
        value = self._content.get(name)
        if value is None:
            near = ', '.join(map(str, self._content)) or 'nothing'
            raise DataError(
                f'is missing (there is {_short(near)})',
                place=self.place(name),
                advice='Add it as the TAO CenterPose format describes it',
            )
        return value

    def fields(self, name: str) -> 'JsonFields':
        """Return a required nested object."""
        return JsonFields(self.value(name), self._path, f'{self._prefix}{name}.')

    def list_of_fields(self, name: str) -> list['JsonFields']:
        """Return a required list of nested objects."""
        items = self.value(name)
        if not isinstance(items, list):
            raise self.error(name, 'must be a list')
        return [
            JsonFields(item, self._path, f'{self._prefix}{name}[{i}].')
            for i, item in enumerate(items)
        ]

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a required field of finite numbers as float64 of the given shape."""
        value = self.value(name)
        try:
            numbers = np.array(value)
        except ValueError as error:
            raise self.error(name, f'has rows of unequal length, expected shape {shape}') from error
        if numbers.dtype.kind not in 'iuf':
            raise self.error(name, 'must hold numbers only')
        if numbers.shape != shape:
            raise self.error(name, f'has shape {numbers.shape}, expected {shape}')
        numbers = numbers.astype(np.float64, copy=False)
        if not np.isfinite(numbers).all():
            raise self.error(name, 'must be finite, without NaN or infinity')
        return numbers

    def positive_int(self, name: str) -> int:
        """Return a required whole number from 1 to `MAX_SIDE`, such as the width of an image."""
        number = float(self.array(name, ()))
        if not 1 <= number <= MAX_SIDE or number != int(number):
            raise self.error(name, f'must be a whole number from 1 to {MAX_SIDE}')
        return int(number)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text[: SHOWN_CHARACTERS + 1].encode('utf-8', 'backslashreplace').decode()
    return text if len(text) <= SHOWN_CHARACTERS else f'{text[:SHOWN_CHARACTERS]}…'
