"""Where a wrong value comes from, each place with its own way to name values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from os import PathLike
from typing import Any, Protocol


class Missing(Enum):
    """Stands for a value that is not given, as None may be the wrong value itself."""

    NO_VALUE = auto()


NO_VALUE = Missing.NO_VALUE
MOST_CHARACTERS = 120
"""Of a value that a message shows."""


class Place(Protocol):
    """Where a value was given."""

    def describe(self, argument: str | None, value: Any) -> str:
        """Return the subject of a message: place, name and value.

        Args:
            argument: Name of the value in the code, None if the message is about the whole place.
            value: The value, or `NO_VALUE`.
        """

    def name(self, argument: str) -> str:
        """Return what another argument of the same part is called here."""


@dataclass(frozen=True)
class NoPlace:
    """A call from Python."""

    def describe(self, argument: str | None, value: Any) -> str:
        """Return ``argument=value``."""
        return with_value(argument or '', value)

    def name(self, argument: str) -> str:
        """Return the argument."""
        return argument


@dataclass(frozen=True)
class FilePlace:
    """A file, or a field or line of it.

    Attributes:
        path: The file or folder.
        field: Dotted name of a field of it.
        line: Number of a line, from 1.
    """

    path: str | PathLike[str]
    field: str = ''
    line: int | None = None

    def describe(self, argument: str | None, value: Any) -> str:
        """Return file, line and field."""
        place = str(self.path) if self.line is None else f'{self.path}, line {self.line}'
        return f'{place}: field {with_value(self.field, value)}' if self.field else place

    def name(self, argument: str) -> str:
        """Return the argument."""
        return argument


@dataclass(frozen=True)
class ConfigPlace:
    """A key of a config.

    Attributes:
        keys: Dotted key; several where the config holds the same part more than once, none for
            the whole config.
        file: The config, empty if it has no file.
        kind: Type of the part that is there, empty for a plain value.
    """

    keys: tuple[str, ...]
    file: str = ''
    kind: str = ''

    def describe(self, argument: str | None, value: Any) -> str:
        """Return ``argument=value`` with the key, or the part that is there."""
        if not self.keys:
            return f'Config {self.file}'.rstrip()
        where = f' of {self.file}' if self.file else ''
        keys = f'(config key {" or ".join(self.keys)}{where})'
        subject = with_value(argument, value) if argument else self.kind
        return f'{subject} {keys}' if subject else f'{keys[1].upper()}{keys[2:-1]}'

    def name(self, argument: str) -> str:
        """Return the key of an argument of the same part."""
        part = self.keys[0].rpartition('.')[0] if self.keys else ''
        return f'{part}.{argument}' if part else argument


@dataclass(frozen=True)
class FlagPlace:
    """An option or operand of a command.

    Attributes:
        flag: As it is typed, for example ``--batch-size``.
    """

    flag: str

    def describe(self, argument: str | None, value: Any) -> str:
        """Return the option with its value, as they are typed."""
        if value is NO_VALUE or value is True or value is None:
            return self.flag
        words = value if isinstance(value, list | tuple) else [value]
        return ' '.join([self.flag, *(_shortened(str(word)) for word in words)])

    def name(self, argument: str) -> str:
        """Return the argument."""
        return argument


def with_value(name: str, value: Any) -> str:
    """Return ``name=value``, only the name where there is no value."""
    return name if value is NO_VALUE else f'{name}={shown(value)}'


def shown(value: Any) -> str:
    """Return a value as a message shows it: paths as text, long values shortened."""
    return _shortened(repr(str(value) if isinstance(value, PathLike) else _plain(value)))


def listed(names: Iterable[Any], most: int) -> str:
    """Return the first names of a list as a message shows them, and how many more there are."""
    texts = [str(name) for name in names]
    rest = len(texts) - most
    return ', '.join(texts[:most]) + (f' and {rest} more' if rest > 0 else '')


def _plain(value: Any) -> Any:
    """Return mappings and lists of other libraries as Python's own."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if type(value) is list else value


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f'{text[:MOST_CHARACTERS]}…'
