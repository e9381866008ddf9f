"""What can become of the value of a key."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Effect:
    """What becomes of a value.

    Attributes:
        value: Given on the command line, as YAML.
        place: Dotted place in what `plan` returns.
        expected: What is found there.
        words: Overrides that the value needs beside it.
    """

    value: str
    place: str
    expected: Any
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Warned:
    """A value that changes nothing, of which a warning tells why."""

    value: str
    reason: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A value that is refused, and a part of the reason."""

    value: str
    reason: str
    words: tuple[str, ...] = ()
