"""Checked access to the fields of a JSON file of predictions."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cpose.errors import DataError


@dataclass(frozen=True)
class DumpFields:
    """One JSON object and where it stands.

    Attributes:
        content: What the parser returned.
        file: File name for messages.
        place: Path inside the file, such as ``images[3]``; empty for the root.
    """

    content: Any
    file: str
    place: str = ''

    def __post_init__(self) -> None:
        """Check that this is a JSON object."""
        if not isinstance(self.content, dict):
            where = self.place or 'The file'
            raise DataError(
                f'{self.file}: {where} is {type(self.content).__name__}, expected an object. '
                'Give a file written with --dump.'
            )

    def value(self, name: str) -> Any:
        """Return a field.

        Raises:
            DataError: If it is missing.
        """
        if name not in self.content:
            raise DataError(
                f'{self.file}: field {self._path(name)} is missing. '
                'Give a file written with --dump.'
            )
        return self.content[name]

    def is_null(self, name: str) -> bool:
        """Tell whether a field is present but null."""
        return self.value(name) is None

    def list_of(self, name: str) -> list[Any]:
        """Return a field that is a list."""
        value = self.value(name)
        if not isinstance(value, list):
            raise self.error(name, 'must be a list')
        return value

    def fields(self, name: str) -> 'DumpFields':
        """Return a field that is an object."""
        return DumpFields(self.value(name), self.file, self._path(name))

    def list_of_fields(self, name: str) -> list['DumpFields']:
        """Return a field that is a list of objects."""
        return [
            DumpFields(item, self.file, f'{self._path(name)}[{number}]')
            for number, item in enumerate(self.list_of(name))
        ]

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a field of finite numbers with the given shape, float64."""
        value = self.value(name)
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.zeros(0)
        if array.shape != shape or value is None or not np.isfinite(array).all():
            wanted = '×'.join(map(str, shape)) if shape else 'one'
            raise self.error(name, f'must be {wanted} finite number{"s" if shape else ""}')
        return array

    def array_or_none(self, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return such a field, or None if it is null."""
        return None if self.is_null(name) else self.array(name, shape)

    def error(self, name: str, rule: str) -> DataError:
        """Describe what is wrong with a field."""
        shown = repr(self.content.get(name))
        shown = shown if len(shown) <= 60 else shown[:57] + '...'
        return DataError(f'{self.file}: field {self._path(name)} {rule}, but is {shown}.')

    def _path(self, name: str) -> str:
        return f'{self.place}.{name}' if self.place else name
